package irkit;

import java.io.IOException;
import java.util.Arrays;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.search.Collector;
import org.apache.lucene.search.LeafCollector;
import org.apache.lucene.search.Scorable;
import org.apache.lucene.search.ScoreMode;

/**
 * Collects the k best hits of Lucene's own search by score and rank of the external id: a heap of packed keys.
 * The k-th score itself, not the next larger float, is the least that Lucene must still deliver: ties can win.
 */
final class TopCollector implements Collector {
  private final int k;
  private final int[] rank;
  private final int flip;
  private final Call call;
  private long[] heap; // smallest first, from 1; score and tie as in TopFloats
  private int n;

  TopCollector(int k, int[] rank, int flip, Call call) {
    this.k = k;
    this.rank = rank;
    this.flip = flip;
    this.call = call;
    heap = new long[Math.min(k, 1024) + 1];
  }

  @Override
  public ScoreMode scoreMode() {
    return ScoreMode.TOP_SCORES;
  }

  @Override
  public LeafCollector getLeafCollector(LeafReaderContext leaf) {
    call.check();
    int base = leaf.docBase;
    return new LeafCollector() {
      private Scorable scorer;

      @Override
      public void setScorer(Scorable scorer) throws IOException {
        this.scorer = scorer;
        if (n == k) {
          scorer.setMinCompetitiveScore(worst());
        }
      }

      @Override
      public void collect(int doc) throws IOException {
        float score = scorer.score();
        if (n == k && score < worst()) {
          return;
        }
        long key = (long) Float.floatToRawIntBits(score) << 32 | (rank[base + doc] ^ flip) & 0xffffffffL;
        if (n < k) {
          add(key);
          if (n == k) {
            scorer.setMinCompetitiveScore(worst());
          }
        } else if (key > heap[1]) {
          float before = worst();
          sink(key);
          if (worst() > before) {
            scorer.setMinCompetitiveScore(worst());
          }
        }
      }
    };
  }

  /** Returns the best hits in rank order. */
  Ranked best(int[] byRank) {
    Arrays.sort(heap, 1, n + 1);
    int[] docs = new int[n];
    float[] scores = new float[n];
    for (int i = 0; i < n; i++) {
      long key = heap[n - i];
      docs[i] = byRank[(int) key ^ flip];
      scores[i] = Float.intBitsToFloat((int) (key >>> 32));
    }
    return new Ranked(docs, scores, null);
  }

  private float worst() {
    return Float.intBitsToFloat((int) (heap[1] >>> 32));
  }

  private void add(long key) {
    if (++n == heap.length) {
      heap = Arrays.copyOf(heap, (int) Math.min(2L * n, k + 1L));
    }
    int i = n;
    for (; i > 1 && heap[i >> 1] > key; i >>= 1) {
      heap[i] = heap[i >> 1];
    }
    heap[i] = key;
  }

  private void sink(long key) {
    int i = 1;
    for (int child = 2; child <= n; child = 2 * i) {
      if (child < n && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= key) {
        break;
      }
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = key;
  }
}
