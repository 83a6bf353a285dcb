package irkit;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** Many small jobs on a few threads. */
final class Batch {
  /** One job. */
  interface Job {
    void run(int i, Scratch scratch) throws Exception;
  }

  private Batch() {}

  /** Runs jobs 0..n-1; the calling thread is one of the threads. The first error ends all and is thrown as it is. */
  static void run(Call call, int n, int threads, Job job) throws Exception {
    AtomicInteger next = new AtomicInteger();
    AtomicReference<Throwable> error = new AtomicReference<>();
    Thread[] others = new Thread[Math.min(threads, n) > 1 ? Math.min(threads, n) - 1 : 0];
    for (int t = 0; t < others.length; t++) {
      others[t] = new Thread(() -> work(call, n, next, error, job), "irkit-search");
      others[t].setDaemon(true);
      others[t].start();
    }
    work(call, n, next, error, job);
    for (Thread other : others) {
      other.join();
    }
    Throwable first = error.get();
    if (first instanceof Error) {
      throw (Error) first;
    }
    if (first != null) {
      throw (Exception) first;
    }
  }

  private static void work(Call call, int n, AtomicInteger next, AtomicReference<Throwable> error, Job job) {
    try {
      Scratch scratch = Scratch.take(call);
      for (int i = next.getAndIncrement(); i < n && error.get() == null; i = next.getAndIncrement()) {
        call.check();
        job.run(i, scratch);
      }
      scratch.release();
    } catch (Throwable thrown) {
      error.compareAndSet(null, thrown);
    }
  }
}
