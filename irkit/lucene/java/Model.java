package irkit;

import java.io.IOException;

/** A weighting model ready to rank the documents of one index. */
interface Model {
  /** Ranks the documents that have at least one of the query's terms. */
  Ranked rank(Bag query, int k, int flip, Scratch scratch) throws IOException;

  /** Scores given documents, in their order, as `rank` scores those it finds; one without any of the terms too. */
  Ranked score(Bag query, int[] docs, Scratch scratch) throws IOException;

  /** Returns what one term adds to the score of one document that has it `freq` times. */
  double share(String term, double weight, int doc, int freq) throws IOException;

  /** Says whether scores are doubles. */
  boolean exact();
}
