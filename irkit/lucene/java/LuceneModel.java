package irkit;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.BoostQuery;
import org.apache.lucene.search.CollectionStatistics;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TermStatistics;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.search.similarities.ClassicSimilarity;
import org.apache.lucene.search.similarities.LMDirichletSimilarity;
import org.apache.lucene.search.similarities.LMJelinekMercerSimilarity;
import org.apache.lucene.search.similarities.Similarity;
import org.apache.lucene.search.similarities.Similarity.SimScorer;

/**
 * A similarity of Lucene's, scored in one of three ways with bitwise equal results.
 *
 * <p>WAND is Lucene's own search, which skips documents that cannot be among the best. TAAT walks whole decoded lists,
 * and MaxScore leaves out of them what cannot be among the best. `auto` is MaxScore, or WAND for a query whose lists are
 * too long for memory. All add the terms' floats as doubles and round once. A double holds a sum of n shares exactly
 * while they lie within a factor of 2^29 / n of each other, so the order of addition, which is Lucene's business under
 * WAND, does not show.
 */
final class LuceneModel implements Model {
  private static final int POSTING = 12; // bytes of a posting and its bounds, about

  private final Handle index;
  private final String name;
  private final String scorer;
  private final IndexSearcher searcher;
  private final Similarity similarity;
  private final CollectionStatistics collection; // null if no document has a term

  LuceneModel(Handle index, String name, String scorer) throws IOException {
    this.index = index;
    this.name = name;
    this.scorer = scorer;
    this.similarity = similarity(name);
    collection = index.collection.whole();
    searcher = new IndexSearcher(index.reader) {
      @Override
      public CollectionStatistics collectionStatistics(String field) {
        return collection;
      }

      @Override
      public TermStatistics termStatistics(Term term, int documents, long occurrences) throws IOException {
        return index.collection.statistics(term.text());
      }
    };
    searcher.setSimilarity(similarity);
    searcher.setQueryCache(null);
  }

  /** Reads a similarity such as `bm25 0.9 0.4`; null if Lucene has none of this name. */
  static Similarity similarity(String text) {
    String[] parts = text.split(" ");
    switch (parts[0]) {
      case "bm25":
        return new BM25Similarity(Float.parseFloat(parts[1]), Float.parseFloat(parts[2]));
      case "lucene-qld":
        return new LMDirichletSimilarity(Float.parseFloat(parts[1]));
      case "lucene-qljm":
        return new LMJelinekMercerSimilarity(Float.parseFloat(parts[1]));
      case "tf-idf":
        return new ClassicSimilarity();
      default:
        return null;
    }
  }

  @Override
  public boolean exact() {
    return false;
  }

  @Override
  public Ranked rank(Bag query, int k, int flip, Scratch scratch) throws IOException {
    if (collection == null || query.terms.length == 0) {
      return Ranked.NO_FLOATS;
    }
    if (scorer.equals("wand")) {
      return wand(query, k, flip, scratch);
    }
    long need = POSTING * Postings.missing(index, query, name);
    if (!ByteCache.SHARED.reserve(need)) {
      if (scorer.equals("auto")) {
        return wand(query, k, flip, scratch);
      }
      throw new IllegalStateException("a query's lists do not fit into Java's heap space at once, as scorer '" + scorer
          + "' needs them and 'auto' does not");
    }
    try {
      return scorer.equals("taat") ? taat(query, k, flip, scratch) : maxScore(query, k, flip, scratch);
    } finally {
      ByteCache.SHARED.release(need);
    }
  }

  private Ranked wand(Bag query, int k, int flip, Scratch scratch) throws IOException {
    BooleanQuery.Builder clauses = new BooleanQuery.Builder();
    int n = 0;
    for (int i = 0; i < query.terms.length; i++) {
      float boost = (float) query.weights[i];
      if (boost > 0) {
        Query term = new TermQuery(new Term(Handle.CONTENTS, query.terms[i]));
        clauses.add(boost == 1 ? term : new BoostQuery(term, boost), BooleanClause.Occur.SHOULD);
        n++;
      }
    }
    if (n == 0) {
      return Ranked.NO_FLOATS;
    }
    TopCollector top = new TopCollector(k, index.rank, flip, scratch.call);
    searcher.search(clauses.build(), top);
    return top.best(index.byRank);
  }

  private Ranked taat(Bag query, int k, int flip, Scratch scratch) throws IOException {
    Lane[] lanes = lanes(query, scratch, (list, term, boost) -> lane(list, term, boost, Integer.MAX_VALUE));
    if (lanes.length == 0) {
      return Ranked.NO_FLOATS;
    }
    TopFloats top = scratch.floats;
    top.reset(k);
    int[] rank = index.rank;
    Windows.run(lanes, scratch, (all, sums, base) -> {
      for (Lane lane : all) {
        gather(lane.docs, lane.from, lane.to, sums, base, top, rank, flip);
      }
    });
    return top.best(index.byRank, flip);
  }

  private Ranked maxScore(Bag query, int k, int flip, Scratch scratch) throws IOException {
    double[] reached = new double[1]; // by k documents, in one list alone
    Lane[] lanes = lanes(query, scratch, (list, term, boost) -> {
      Impacts impacts = impacts(list, term);
      Lane lane = whole(list, impacts, term, boost).bounded(impacts.bounds);
      if (boost == 1 && lane.greatest() > reached[0]) {
        reached[0] = Math.max(reached[0], impacts.bounds.reached(k, impacts.values));
      }
      return lane;
    });
    if (lanes.length == 0) {
      return Ranked.NO_FLOATS;
    }
    TopFloats top = scratch.floats;
    top.reset(k);
    new Best(lanes, scratch, top, (float) reached[0], flip).run();
    return top.best(index.byRank, flip);
  }

  /** Takes scores rounded to floats. A sum that rounds to the k-th score or more is not below the next smaller float. */
  private final class Best extends MaxScore {
    private final TopFloats top;
    private final int flip;
    private float floor;

    Best(Lane[] lanes, Scratch scratch, TopFloats top, float floor, int flip) {
      super(lanes, scratch);
      this.top = top;
      this.flip = flip;
      this.floor = floor;
    }

    @Override
    double needed() {
      return floor > 0 ? Math.nextDown(floor) : 0;
    }

    @Override
    double alone() {
      return 0;
    }

    @Override
    double alone(int window) {
      return 0;
    }

    @Override
    void take(int n, boolean ordered) {
      for (int i = 0; i < n; i++) {
        top.offer((float) partial[i], index.rank[docs[i]] ^ flip);
      }
      floor = Math.max(floor, top.floor());
    }
  }

  @Override
  public Ranked score(Bag query, int[] docs, Scratch scratch) throws IOException {
    double[] sums = new double[docs.length];
    long[] wanted = Lane.wanted(docs);
    if (collection != null) {
      each(query, scratch, (list, term, boost) -> lane(list, term, boost, docs.length).add(sums, wanted));
    }
    float[] scores = new float[docs.length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = (float) sums[i];
    }
    return new Ranked(docs, scores, null);
  }

  /** Prepares a list to be scored. */
  private interface Maker {
    Lane make(Postings list, String term, float boost) throws IOException;
  }

  /** Prepares the lists of a query's terms. */
  private Lane[] lanes(Bag query, Scratch scratch, Maker maker) throws IOException {
    List<Lane> lanes = new ArrayList<>(query.terms.length);
    each(query, scratch, (list, term, boost) -> lanes.add(maker.make(list, term, boost)));
    return lanes.toArray(new Lane[0]);
  }

  /** Does something with a list. */
  private interface Use {
    void take(Postings list, String term, float boost) throws IOException;
  }

  /** Goes through the lists of a query's terms. */
  private void each(Bag query, Scratch scratch, Use use) throws IOException {
    for (int i = 0; i < query.terms.length; i++) {
      scratch.call.check();
      float boost = (float) query.weights[i];
      Postings list = boost > 0 ? Postings.of(index, query.terms[i]) : null;
      if (list != null) {
        use.take(list, query.terms[i], boost);
      }
    }
  }

  private static void gather(
      int[] docs, int from, int to, double[] sums, int base, TopFloats top, int[] rank, int flip) {
    float floor = top.floor();
    for (int i = from; i < to; i++) {
      int slot = docs[i] - base;
      double sum = sums[slot];
      sums[slot] = -0.0;
      float score = (float) sum;
      if (score >= floor && Double.doubleToRawLongBits(sum) != Windows.UNTOUCHED) {
        top.offer(score, rank[docs[i]] ^ flip);
        floor = top.floor();
      }
    }
  }

  /** Scores at most some postings of a list: unboosted shares are kept beside it, others and those of a few computed. */
  private Lane lane(Postings list, String term, float boost, int some) throws IOException {
    int calls = Math.min(some, list.docs.length);
    if (boost == 1) {
      Impacts kept = (Impacts) ByteCache.SHARED.get(new ByteCache.Key(index.id, term, name));
      if (kept != null || calls == list.docs.length) {
        return whole(list, kept != null ? kept : impacts(list, term), term, boost);
      }
    }
    return scored(list, term, boost, calls);
  }

  private Lane whole(Postings list, Impacts impacts, String term, float boost) throws IOException {
    return boost == 1 ? new Lane.Floats(list, impacts.values) : scored(list, term, boost, list.docs.length);
  }

  private Lane scored(Postings list, String term, float boost, int calls) throws IOException {
    SimScorer scorer = similarity.scorer(boost, collection, index.collection.statistics(term));
    return new Lane.Scored(list, index.norms(), scorer, boost, calls);
  }

  private Impacts impacts(Postings list, String term) throws IOException {
    ByteCache.Key key = new ByteCache.Key(index.id, term, name);
    Impacts impacts = (Impacts) ByteCache.SHARED.get(key);
    if (impacts == null) {
      byte[] norms = index.norms();
      float[] values = new float[list.docs.length];
      Lane.Memo memo = new Lane.Memo(similarity.scorer(1, collection, index.collection.statistics(term)), values.length);
      for (int i = 0; i < values.length; i++) {
        values[i] = memo.score(list.freq(i), norms[list.docs[i]]);
      }
      impacts = new Impacts(list.docs, values, index.reader.maxDoc());
      ByteCache.SHARED.put(key, impacts, impacts.bytes());
    }
    return impacts;
  }

  @Override
  public double share(String term, double weight, int doc, int freq) throws IOException {
    float boost = (float) weight;
    if (boost == 0 || freq == 0) {
      return 0;
    }
    return similarity.scorer(boost, collection, index.collection.statistics(term)).score(freq, index.norms()[doc]);
  }
}
