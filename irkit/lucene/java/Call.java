package irkit;

import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A call from Python that may take long. It runs on a thread of its own; Python waits for it in short steps, between which
 * it hears Ctrl-C, and stops it by the ticket it has given it.
 */
public final class Call {
  /** What a call does; it calls `check` now and then. */
  interface Work {
    byte[] run(Call call) throws Exception;
  }

  /** The call of work that is done at once, on Python's own thread. */
  static final Call BRIEF = new Call(call -> new byte[0]);

  private static final int STEP = 50; // milliseconds Python waits at a time
  private static final int GRACE = 200; // milliseconds a stopped call has to end
  private static final ConcurrentHashMap<Long, Call> RUNNING = new ConcurrentHashMap<>();
  private static final ExecutorService POOL = Executors.newCachedThreadPool(job -> {
    Thread thread = new Thread(job, "irkit-call");
    thread.setDaemon(true);
    return thread;
  });

  private final FutureTask<byte[]> task;
  private volatile boolean stopped;

  private Call(Work work) {
    task = new FutureTask<>(() -> work.run(this));
  }

  /** Begins work and waits for the first step; null if it has not ended by then. */
  static byte[] run(long ticket, Work work) throws Exception {
    Call call = new Call(work);
    RUNNING.put(ticket, call);
    POOL.execute(call.task);
    return more(ticket);
  }

  /** Waits for one more step; null if the work has not ended by then. */
  public static byte[] more(long ticket) throws Exception {
    Call call = RUNNING.get(ticket);
    if (call == null) {
      throw new IllegalStateException("no call has the ticket " + ticket);
    }
    try {
      byte[] found = call.task.get(STEP, TimeUnit.MILLISECONDS);
      RUNNING.remove(ticket);
      return found;
    } catch (TimeoutException wait) {
      return null;
    } catch (ExecutionException error) {
      RUNNING.remove(ticket);
      if (error.getCause() instanceof Error) {
        throw (Error) error.getCause();
      }
      throw (Exception) error.getCause();
    }
  }

  /** Tells a call that nobody waits for it any more and gives it a moment to end; does nothing if it has ended. */
  public static void stop(long ticket) throws InterruptedException {
    Call call = RUNNING.remove(ticket);
    if (call != null) {
      call.stopped = true;
      try {
        call.task.get(GRACE, TimeUnit.MILLISECONDS);
      } catch (TimeoutException | ExecutionException end) {
        // its result is nobody's
      }
    }
  }

  /** Ends the work by an exception if it was stopped. */
  void check() {
    if (stopped) {
      throw new CancellationException("stopped");
    }
  }
}
