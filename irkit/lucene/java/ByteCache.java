package irkit;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Decoded lists and what is computed from them, least recently used out first, half of the heap at most.
 * Reads take no lock: an entry remembers the number of insertions at its last use, which orders entries well enough.
 */
final class ByteCache {
  private static final int ENTRY_BYTES = 200; // key, node, strings and array headers, roughly
  static final ByteCache SHARED = new ByteCache(Runtime.getRuntime().maxMemory() / 2);

  /** The bytes it holds at most. */
  final long limit;

  private final ConcurrentHashMap<Key, Entry> entries = new ConcurrentHashMap<>();
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicLong reserved = new AtomicLong();
  private volatile long clock;

  ByteCache(long limit) {
    this.limit = limit;
  }

  /** Returns the value of a key or null. */
  Object get(Key key) {
    Entry entry = entries.get(key);
    if (entry == null) {
      return null;
    }
    long now = clock;
    if (entry.used != now) {
      entry.used = now;
    }
    return entry.value;
  }

  /** Keeps a value; one that would fill half the cache is not kept. */
  void put(Key key, Object value, long size) {
    size += ENTRY_BYTES;
    if (size > limit / 2) {
      return;
    }
    Entry entry = new Entry(key, value, size);
    synchronized (this) {
      entry.used = ++clock;
      Entry old = entries.put(key, entry);
      if (bytes.addAndGet(size - (old == null ? 0 : old.size)) > limit) {
        sweep();
      }
    }
  }

  /** Makes room beside the cache for what a search has to decode: half as much for all that run. Says if there is some. */
  boolean reserve(long size) {
    if (reserved.addAndGet(size) <= limit / 2) {
      return true;
    }
    reserved.addAndGet(-size);
    return false;
  }

  /** Ends what `reserve` began. */
  void release(long size) {
    reserved.addAndGet(-size);
  }

  /** Forgets everything about one index. */
  synchronized void drop(long index) {
    for (Entry entry : entries.values()) {
      if (entry.key.index == index) {
        remove(entry);
      }
    }
  }

  /** Returns the bytes held. */
  long size() {
    return bytes.get();
  }

  private void sweep() {
    List<Entry> oldest = new ArrayList<>(entries.values());
    for (Entry entry : oldest) {
      entry.age = entry.used; // readers go on while we sort
    }
    oldest.sort((a, b) -> Long.compare(a.age, b.age));
    for (Entry entry : oldest) {
      if (bytes.get() <= limit - limit / 4) {
        return;
      }
      remove(entry);
    }
  }

  private void remove(Entry entry) {
    if (entries.remove(entry.key, entry)) {
      bytes.addAndGet(-entry.size);
    }
  }

  private static final class Entry {
    final Key key;
    final Object value;
    final long size;
    volatile long used;
    long age;

    Entry(Key key, Object value, long size) {
      this.key = key;
      this.value = value;
      this.size = size;
    }
  }

  /** A term of an index, or what a weighting model makes of it. */
  static final class Key {
    final long index;
    final String term;
    final String model;

    Key(long index, String term, String model) {
      this.index = index;
      this.term = term;
      this.model = model;
    }

    @Override
    public int hashCode() {
      return 31 * (31 * term.hashCode() + model.hashCode()) + Long.hashCode(index);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Key && index == ((Key) other).index && term.equals(((Key) other).term)
          && model.equals(((Key) other).model);
    }
  }
}
