package irkit;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Paths;
import java.util.StringJoiner;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.MultiReader;
import org.apache.lucene.store.FSDirectory;

/** The index in one folder, or in the folders of its shards: these are read as one, one after the other. */
final class Folders implements Closeable {
  final IndexReader reader;
  private final DirectoryReader[] readers;
  private final FSDirectory[] folders;

  private Folders(DirectoryReader[] readers, FSDirectory[] folders) throws IOException {
    this.readers = readers;
    this.folders = folders;
    reader = readers.length == 1 ? readers[0] : new MultiReader(readers, true);
  }

  /** Opens the latest commit of each. */
  static Folders open(String[] paths) throws IOException {
    FSDirectory[] folders = new FSDirectory[paths.length];
    DirectoryReader[] readers = new DirectoryReader[paths.length];
    boolean ready = false;
    try {
      for (int i = 0; i < paths.length; i++) {
        folders[i] = FSDirectory.open(Paths.get(paths[i]));
        readers[i] = DirectoryReader.open(folders[i]);
      }
      Folders all = new Folders(readers, folders);
      ready = true;
      return all;
    } finally {
      if (!ready) {
        close(readers);
        close(folders);
      }
    }
  }

  /** Returns what the maker of each index noted under a name, with commas between; nothing where nothing is. */
  String noted(String name) throws IOException {
    StringJoiner all = new StringJoiner(",");
    for (DirectoryReader one : readers) {
      all.add(one.getIndexCommit().getUserData().getOrDefault(name, ""));
    }
    return all.toString();
  }

  /** Closes the reader once those who hold it let go, and the folders. */
  @Override
  public void close() throws IOException {
    reader.close();
    close(folders);
  }

  private static void close(Closeable[] some) throws IOException {
    for (Closeable one : some) {
      if (one != null) {
        one.close();
      }
    }
  }
}
