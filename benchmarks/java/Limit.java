import java.nio.charset.StandardCharsets;
import java.nio.file.Paths;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.BoostQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.store.FSDirectory;

/** The physical limit of stock Lucene: prepared queries, ties by internal number, nothing leaves the JVM. */
public final class Limit {
  private static IndexSearcher searcher;
  private static Query[] queries;

  private Limit() {}

  public static void open(String path, byte[] lines) throws Exception {
    searcher = new IndexSearcher(DirectoryReader.open(FSDirectory.open(Paths.get(path))));
    searcher.setSimilarity(new BM25Similarity(0.9f, 0.4f));
    searcher.setQueryCache(null);
    Analyzer analyzer = (Analyzer) Class.forName("io.anserini.analysis.DefaultEnglishAnalyzer").getMethod("newDefaultInstance").invoke(null);
    String[] texts = new String(lines, StandardCharsets.UTF_8).split("\n", -1);
    queries = new Query[texts.length];
    for (int i = 0; i < texts.length; i++) {
      Map<String, Integer> counts = new LinkedHashMap<>();
      try (TokenStream stream = analyzer.tokenStream("contents", texts[i])) {
        CharTermAttribute term = stream.addAttribute(CharTermAttribute.class);
        stream.reset();
        while (stream.incrementToken()) counts.merge(term.toString(), 1, Integer::sum);
        stream.end();
      }
      BooleanQuery.Builder query = new BooleanQuery.Builder();
      counts.forEach((term, n) -> query.add(new BoostQuery(new TermQuery(new Term("contents", term)), n), BooleanClause.Occur.SHOULD));
      queries[i] = query.build();
    }
  }

  /** Run every query and return the hits seen. */
  public static long run(int k, int threads) throws Exception {
    AtomicInteger next = new AtomicInteger();
    long[] seen = new long[threads];
    Thread[] pool = new Thread[threads];
    for (int t = 0; t < threads; t++) {
      final int me = t;
      pool[t] = new Thread(() -> {
        try {
          for (int i; (i = next.getAndIncrement()) < queries.length; ) seen[me] += searcher.search(queries[i], k).scoreDocs.length;
        } catch (java.io.IOException e) {
          throw new java.io.UncheckedIOException(e);
        }
      });
      pool[t].start();
    }
    long total = 0;
    for (int t = 0; t < threads; t++) {
      pool[t].join();
      total += seen[t];
    }
    return total;
  }
}
