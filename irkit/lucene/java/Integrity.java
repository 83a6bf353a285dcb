package irkit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.lucene.codecs.CodecUtil;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexFormatTooNewException;
import org.apache.lucene.index.IndexFormatTooOldException;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;

/** Which files an index has, and whether each is as Lucene wrote it. Both are waited for as `Call` says. */
public final class Integrity {
  private static final Pattern PATH = Pattern.compile("path=\"([^\"]*)\"");

  private Integrity() {}

  /**
   * Lists the files of the latest commit, one a line, sorted.
   *
   * @throws IOException if Lucene cannot read the commit
   */
  public static byte[] files(long ticket, String index) throws Exception {
    return Call.run(ticket, call -> {
      try (FSDirectory directory = FSDirectory.open(Paths.get(index))) {
        return text(new TreeSet<>(SegmentInfos.readLatestCommit(directory).files(true)));
      }
    });
  }

  /**
   * Reads every file of the latest commit and compares it with the checksum at its end, then opens the commit, which
   * compares the ids that bind its files together.
   *
   * @return a line `kind file why` for each that is not as it was written, sorted: kind is `damaged`, or `version` where
   *     another version of Lucene wrote it; empty if all is well
   */
  public static byte[] check(long ticket, String index) throws Exception {
    return Call.run(ticket, call -> text(check(call, index).values()));
  }

  private static TreeMap<String, String> check(Call call, String index) throws IOException {
    TreeMap<String, String> found = new TreeMap<>();
    try (FSDirectory directory = FSDirectory.open(Paths.get(index))) {
      String commit = SegmentInfos.getLastCommitSegmentsFileName(directory);
      check(call, directory, List.of(commit), found); // first, so that nothing wrong is ever parsed
      if (found.isEmpty()) {
        try {
          check(call, directory, SegmentInfos.readLatestCommit(directory).files(false), found);
          if (found.isEmpty()) {
            DirectoryReader.open(directory).close(); // each whole, but are they of one index?
          }
        } catch (Exception | OutOfMemoryError error) {
          String name = named(error, commit);
          check(call, directory, List.of(name), found); // a wrong byte may look like another version
          boolean version = error instanceof IndexFormatTooNewException || error instanceof IndexFormatTooOldException;
          found.putIfAbsent(name, (version ? "version " : "damaged ") + name + " " + line(error));
        }
      }
    }
    return found;
  }

  private static void check(
      Call call, FSDirectory directory, Collection<String> files, TreeMap<String, String> found) {
    TreeMap<String, String> wrong = new TreeMap<>();
    files.parallelStream().forEach(name -> {
      call.check();
      String why;
      try (IndexInput input = directory.openInput(name, IOContext.READONCE)) {
        CodecUtil.checksumEntireFile(input);
        return;
      } catch (Exception | InternalError error) { // InternalError: a mapped file that is cut while it is read
        why = line(error);
      }
      synchronized (wrong) {
        wrong.put(name, "damaged " + name + " " + why);
      }
    });
    wrong.forEach(found::putIfAbsent);
  }

  /** Returns the file that Lucene's message is about. */
  private static String named(Throwable error, String otherwise) {
    Matcher path = PATH.matcher(String.valueOf(error.getMessage()));
    Path name = path.find() ? Paths.get(path.group(1)).getFileName() : null;
    return name == null ? otherwise : name.toString();
  }

  private static byte[] text(Collection<String> lines) {
    return String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
  }

  private static String line(Throwable error) {
    String message = error.getMessage();
    // Lucene's message ends with the whole path, which the caller knows.
    String text = message == null ? error.getClass().getSimpleName() : message.replaceAll("\\s*\\(resource=.*", "");
    boolean missing = error instanceof java.nio.file.NoSuchFileException || error instanceof java.io.FileNotFoundException;
    return missing ? "the file is missing" : text.replaceAll("\\s+", " ").trim();
  }
}
