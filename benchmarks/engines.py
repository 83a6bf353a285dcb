"""Other search engines, timed; runs in an environment that has them, which need not have irkit.

    python benchmarks/engines.py build NAME FOLDER OUT      builds an index and prints its figures
    python benchmarks/engines.py search NAME OUT QUERIES    answers passes, as benchmarks/worker.py does

FOLDER holds `analysed.txt`, a document a line: its name, a tab, its tokens as irkit's analyser gives them. Queries are
analysed likewise, so engines differ in nothing but how they index and search. Names: `tantivy`, and for PISA its ways
of going through lists, `pisa-block_max_maxscore`, `pisa-maxscore`, `pisa-block_max_wand`.
"""

import json
import sys
import time
from pathlib import Path


def pisa(name, out):
    from pyterrier_pisa import PisaIndex

    return PisaIndex(str(out), text_field="text", stemmer="none", stops="none", threads=1)


def build_pisa(folder, out):
    index = pisa("pisa", out)
    with (folder / "analysed.txt").open() as lines:
        parts = (line.rstrip("\n").partition("\t") for line in lines)
        index.index({"docno": docno, "text": text} for docno, _, text in parts)


def search_pisa(name, out, texts):
    import pandas as pd

    way = name.partition("-")[2]
    frame = pd.DataFrame({"qid": [str(i) for i in range(len(texts))], "query": texts})
    made = {}

    def go(k, threads):
        if (k, threads) not in made:
            index = pisa(name, out)
            made[k, threads] = index.bm25(k1=0.9, b=0.4, num_results=k, threads=threads, query_algorithm=way)
        return len(made[k, threads].transform(frame))

    return go


def schema():
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("docno", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", stored=False, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


def build_tantivy(folder, out):
    import tantivy

    out.mkdir(parents=True)
    index = tantivy.Index(schema(), path=str(out))
    writer = index.writer(1_000_000_000, 1)
    with (folder / "analysed.txt").open() as lines:
        for line in lines:
            docno, _, text = line.rstrip("\n").partition("\t")
            writer.add_document(tantivy.Document(docno=docno, text=text))
    writer.commit()
    writer.wait_merging_threads()


def search_tantivy(name, out, texts):
    from concurrent.futures import ThreadPoolExecutor

    import tantivy

    index = tantivy.Index.open(str(out))
    index.reload()
    searcher = index.searcher()
    queries = [index.parse_query(text, ["text"]) for text in texts]

    def one(query, k):
        return len(searcher.search(query, k, count=False).hits)

    def go(k, threads):
        if threads == 1:
            return sum(one(query, k) for query in queries)
        with ThreadPoolExecutor(threads) as pool:
            return sum(pool.map(lambda query: one(query, k), queries))

    return go


def peak_mb():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def build(name, folder, out):
    wall, cpu = time.perf_counter(), time.process_time()
    {"tantivy": build_tantivy, "pisa": build_pisa}[name](Path(folder), Path(out))
    bytes_ = sum(path.stat().st_size for path in Path(out).rglob("*") if path.is_file())
    print(
        json.dumps(
            {
                "wall": time.perf_counter() - wall,
                "cpu": time.process_time() - cpu,
                "mb": bytes_ / 1e6,
                "rss_mb": peak_mb(),
            }
        )
    )


def search(name, out, queries):
    texts = [line.split("\t")[1] for line in Path(queries).read_text().splitlines()]
    go = (search_tantivy if name == "tantivy" else search_pisa)(name, Path(out), texts)
    print(json.dumps({"ready": name}), flush=True)
    for line in sys.stdin:
        k, threads = map(int, line.split())
        wall, cpu = time.perf_counter(), time.process_time()
        hits = go(k, threads)
        used = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps({**used, "hits": hits, "rss_mb": peak_mb()}), flush=True)


if __name__ == "__main__":
    {"build": build, "search": search}[sys.argv[1]](*sys.argv[2:])
