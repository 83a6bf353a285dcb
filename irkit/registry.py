"""Every name that a file or a command may use, and where it lives: one literal table for each kind of thing.

A package adds a name through the entry-point group of the kind, in its own pyproject.toml:

    [project.entry-points."irkit.stages"]
    my-stage = "my_package.stages:MyStage"

Nothing is imported until a name is used, so a plug-in that is broken harms nobody who does not use it.
"""

from __future__ import annotations

import traceback

from irkit.names import Names as Names
from irkit.names import at as at
from irkit.names import plugins_of

RECOMMENDERS = {
    "als": "irkit.recommend.als:ALS",
    "autorec": "irkit.recommend.autorec:AutoRec",
    "bayesian-mf": "irkit.recommend.bayesian:BayesianMF",
    "bias": "irkit.recommend.bias:Bias",
    "biased-mf": "irkit.recommend.biased_mf:BiasedMF",
    "bpr": "irkit.recommend.bpr:BPR",
    "cfnade": "irkit.recommend.cfnade:CFNADE",
    "dns": "irkit.recommend.dns:DNS",
    "ease": "irkit.recommend.ease:EASE",
    "irgan": "irkit.recommend.irgan:IRGAN",
    "item-knn": "irkit.recommend.knn:ItemKNN",
    "pmf": "irkit.recommend.pmf:PMF",
    "popularity": "irkit.recommend.popularity:Popularity",
    "rfmf-users": "irkit.recommend.rfmf:RFMFUsers",
    "rrn": "irkit.recommend.rrn:RRN",
    "svdpp": "irkit.recommend.svdpp:SVDpp",
    "timesvdpp": "irkit.recommend.timesvdpp:TimeSVDpp",
}
"The stages that are fitted on ratings and list items."

# A list of stages is a chain, so `Then` has no name here; nor have stages made of functions, which a file cannot hold.
STAGES = Names(
    "stage",
    "irkit.stages",
    {
        # retrieval
        "dense": "irkit.rank.dense:Dense",
        "lucene": "irkit.pipeline.retrieve:Retrieve",
        # what follows it
        "cross-encode": "irkit.rank.cross_encoder:CrossEncode",
        "cut": "irkit.pipeline.chain:Cut",
        "drop": "irkit.pipeline.filters:Drop",
        "drop-self": "irkit.pipeline.filters:DropSelf",
        "learned": "irkit.pipeline.learned:Learned",
        "rescore": "irkit.pipeline.rescore:Rescore",
        "latent": "irkit.rank.latent:Latent",
        "normalise": "irkit.pipeline.operators:Normalise",
        "overlap": "irkit.rank.overlap:Overlap",
        "posterior": "irkit.rank.posterior:Posterior",
        "qacnn": "irkit.rank.qacnn:QACNN",
        "qacnn-vectors": "irkit.rank.qacnn_vectors:QACNNVectors",
        "text-cosine": "irkit.rank.text_cosine:TextCosine",
        "reset": "irkit.pipeline.filters:Reset",
        "scale": "irkit.pipeline.operators:Scale",
        "smoothed": "irkit.rank.smoothing:Smoothed",
        # learning to rank
        "aggregate-ranks": "irkit.rank.aggregation:AggregateRanks",
        "irgan-pairwise": "irkit.rank.irgan:IRGANPairwise",
        "irgan-pointwise": "irkit.rank.irgan:IRGANPointwise",
        "irgan-qa": "irkit.rank.irgan_qa:IRGANQA",
        "lambdamart": "irkit.rank.lambdamart:LambdaMART",
        "lambdarank": "irkit.rank.lambdarank:LambdaRank",
        "listnet": "irkit.rank.listnet:ListNet",
        "pairwise-dns": "irkit.rank.pairwise_dns:PairwiseDNS",
        "pointwise": "irkit.rank.pointwise:Pointwise",
        "ranknet": "irkit.rank.ranknet:RankNet",
        # what an index knows of query and document
        "coordination": "irkit.rank.index_features:Coordination",
        "idf-sums": "irkit.rank.index_features:IdfSums",
        "lengths": "irkit.rank.index_features:Lengths",
        "proximity": "irkit.rank.proximity:Proximity",
        "tf-sums": "irkit.rank.index_features:TfSums",
        # texts
        "aggregate": "irkit.pipeline.texts:Aggregate",
        "passages": "irkit.pipeline.texts:Passages",
        "text": "irkit.pipeline.texts:LoadText",
        # joins
        "append": "irkit.pipeline.operators:Append",
        "combmnz": "irkit.pipeline.operators:CombMNZ",
        "features": "irkit.pipeline.operators:Features",
        "hybrid": "irkit.rank.hybrid:Hybrid",
        "intersection": "irkit.pipeline.operators:Intersection",
        "parallel": "irkit.pipeline.parallel:Parallel",
        "rrf": "irkit.pipeline.operators:RRF",
        "sum": "irkit.pipeline.operators:Sum",
        "union": "irkit.pipeline.operators:Union",
        # expansion
        "bo1": "irkit.expand.divergence:Bo1",
        "eqe1": "irkit.expand.eqe:EQE1",
        "eqe2": "irkit.expand.eqe:EQE2",
        "erm": "irkit.expand.erm:ERM",
        "kl": "irkit.expand.divergence:KL",
        "rfmf": "irkit.expand.rfmf:RFMF",
        "rm3": "irkit.expand.relevance:RM3",
        "rocchio": "irkit.expand.rocchio:Rocchio",
        # recommendation
        **RECOMMENDERS,
        "drop-seen": "irkit.recommend.seen:DropSeen",
        "rate": "irkit.recommend.rate:Rate",
    },
    base="irkit.pipeline.stage:Stage",
)
"What a pipeline's recipe may `use`."

MODELS = Names(
    "model",
    "irkit.models",
    {
        "aligndraw": "irkit.generative.aligndraw:AlignDRAW",
        "avb": "irkit.generative.avb:AVB",
        "darn": "irkit.generative.darn:DARN",
        "dbm": "irkit.generative.dbm:DBM",
        "deep-docnade": "irkit.represent.deep_docnade:DeepDocNADE",
        "doc2vec": "irkit.represent.doc2vec:Doc2Vec",
        "docnade": "irkit.represent.docnade:DocNADE",
        "docnade-lm": "irkit.represent.docnade_lm:DocNADELM",
        "document-vae": "irkit.represent.document_vae:DocumentVAE",
        "draw": "irkit.generative.draw:DRAW",
        "eonade": "irkit.generative.eonade:EoNADE",
        "gan": "irkit.generative.gan:GAN",
        "hierarchical": "irkit.represent.hierarchical:HierarchicalAutoencoder",
        "lda": "irkit.represent.lda:LDA",
        "lsa": "irkit.represent.lsa:LSA",
        "lstm-classifier": "irkit.represent.lstm_classifier:LSTMClassifier",
        "made": "irkit.generative.made:MADE",
        "nade": "irkit.generative.nade:NADE",
        "neural-statistician": "irkit.generative.statistician:NeuralStatistician",
        "rbm": "irkit.generative.rbm:RBM",
        "rnnlm": "irkit.represent.rnnlm:RNNLM",
        "sentence-vae": "irkit.represent.sentence_vae:SentenceVAE",
        "seq2seq": "irkit.represent.seq2seq:Seq2Seq",
        "sequence-autoencoder": "irkit.represent.sequence_autoencoder:SequenceAutoencoder",
        "tfidf-classifier": "irkit.represent.tfidf_classifier:TfidfClassifier",
        "topicrnn": "irkit.represent.topicrnn:TopicRNN",
        "vae": "irkit.generative.vae:VAE",
        "vae-gan": "irkit.generative.vae_gan:VAEGAN",
        "vector-average": "irkit.represent.vector_average:VectorAverage",
        "vector-classifier": "irkit.represent.vector_classifier:VectorClassifier",
        "vrnn": "irkit.generative.vrnn:VRNN",
    },
    base="irkit.learn.model:Model",
)
"What a training recipe may have as its `model`, and what a model's file may say it holds."

TASKS = Names(
    "field of a suite",
    "irkit.tasks",
    {
        "collections": "irkit.evaluate.tasks.retrieval:CollectionChoice",
        "ratings": "irkit.evaluate.tasks.ratings:RatingsChoice",
        "pools": "irkit.evaluate.tasks.pools:PoolChoice",
        "density": "irkit.evaluate.tasks.likelihood:DataChoice",
        "data": "irkit.evaluate.tasks.trained:TrainedChoice",
        "judged": "irkit.evaluate.tasks.judged:JudgedChoice",
    },
    base="irkit.evaluate.tasks.task:TaskChoice",
    says="field",
)
"What a suite may be measured on, by the field that names it: subclasses of `irkit.evaluate.TaskChoice`."

MEASURES = Names("measure", "irkit.measures", {}, says="NAME")
"Measures beside those of ir-measures, which has its own table: what `ir_measures.define` returns."

DOCUMENTS = Names(
    "format of documents",
    "irkit.documents",
    {
        "trec": "irkit.io.documents.trec:documents",
        "smart": "irkit.io.documents.smart:documents",
        "npl": "irkit.io.documents.npl:documents",
        "html": "irkit.io.documents.html:documents",
        "files": "irkit.io.documents.pages:documents",
        "jsonl": "irkit.io.documents.jsonl:documents",
        "tsv": "irkit.io.documents.tabular:tsv_documents",
        "csv": "irkit.io.documents.tabular:csv_documents",
        "parquet": "irkit.io.documents.tabular:parquet_documents",
        "lee": "irkit.io.documents.lee:documents",
        "irds": "irkit.io.documents.irds:documents",
    },
)
"Readers of documents: from a path and a `Reading` to `Document`s."

QUERIES = Names(
    "format of queries",
    "irkit.queries",
    {
        "trec": "irkit.io.documents.trec:topics",
        "trec-doc": "irkit.io.documents.trec:document_topics",
        "xml": "irkit.io.documents.topics_xml:queries",
        "smart": "irkit.io.documents.smart:queries",
        "npl": "irkit.io.documents.npl:queries",
        "jsonl": "irkit.io.documents.jsonl:queries",
        "tsv": "irkit.io.documents.tabular:tsv_queries",
        "csv": "irkit.io.documents.tabular:csv_queries",
        "parquet": "irkit.io.documents.tabular:parquet_queries",
        "lee": "irkit.io.documents.lee:queries",
        "irds": "irkit.io.documents.irds:queries",
    },
)
"Readers of queries: from a path and a `Reading` to `Query`s."

QRELS = Names(
    "format of judgements",
    "irkit.qrels",
    {
        "trec": "irkit.io.documents.qrels:qrels",
        "plain": "irkit.io.documents.qrels:plain",
        "smart": "irkit.io.documents.smart:qrels",
        "npl": "irkit.io.documents.npl:qrels",
        "tsv": "irkit.io.documents.tabular:tsv_qrels",
        "csv": "irkit.io.documents.tabular:csv_qrels",
        "parquet": "irkit.io.documents.tabular:parquet_qrels",
        "lee": "irkit.io.documents.lee:qrels",
        "irds": "irkit.io.documents.irds:qrels",
    },
)
"Readers of judgements: from a path and a `Reading` to `Judgement`s."

JUDGES = Names(
    "judge",
    "irkit.judges",
    {
        "captions": "irkit.learn.judges.captions:Captions",
        "few-shot": "irkit.learn.judges.few_shot:FewShot",
        "modes": "irkit.learn.judges.modes:Modes",
        "moments": "irkit.learn.judges.moments:Moments",
        "posterior": "irkit.learn.judges.posterior:Posterior",
        "pictures": "irkit.learn.judges.pictures:Pictures",
    },
    base="irkit.learn.judges.judge:Judge",
)
"What measures models by what they draw, encode or make of examples."

SETS = Names(
    "data set",
    "irkit.sets",
    {
        "captioned-digits": "irkit.io.made.captioned:captioned_digits",
        "captioned-mnist": "irkit.io.made.captioned:captioned_mnist",
        "captioned-mnist-shuffled": "irkit.io.made.captioned:captioned_mnist_shuffled",
        "families": "irkit.io.made.families:families",
        "four-points": "irkit.io.made.four_points:four_points",
        "omniglot-sets": "irkit.io.made.omniglot_sets:omniglot_sets",
        "mnist-14": "irkit.io.made.shrunk:mnist_14",
        "ring": "irkit.io.made.ring:ring",
        "waves": "irkit.io.made.waves:waves",
    },
)
"Data sets without a card: functions without arguments that return an `irkit.io.kinds.DataSet` of that name."

_NUMBERS = {"npy": "irkit.io.rows.own:npy", "npz": "irkit.io.rows.own:npz"}

ROWS = Names(
    "format of rows",
    "irkit.rows",
    {"bits": "irkit.io.rows.own:bits", **_NUMBERS, "csv": "irkit.io.rows.own:table"},
)
"Readers of rows: from paths, `*paths` where one will do as well as one a part, to `irkit.io.rows.data.Parts`."

PICTURES = Names(
    "format of pictures",
    "irkit.pictures",
    {
        "digits": "irkit.io.rows.pictures:digits",
        "mnist": "irkit.io.rows.pictures:mnist",
        "frey": "irkit.io.rows.pictures:frey",
        "olivetti": "irkit.io.rows.pictures:olivetti",
        "omniglot": "irkit.io.rows.pictures:omniglot",
        "folder": "irkit.io.rows.own:pictures",
        **_NUMBERS,
    },
)
"Readers of pictures, likewise."

SEQUENCES = Names(
    "format of sequences",
    "irkit.sequences",
    {"piano": "irkit.io.rows.sequences:piano", "omniglot-strokes": "irkit.io.rows.strokes:strokes"},
)
"Readers of sequences: from paths to three lists of (T, width) arrays."

BAGS = Names(
    "format of bags",
    "irkit.bags",
    {"labelled": "irkit.io.texts.ids:labelled", "labelled-held-out": "irkit.io.texts.ids:labelled_held_out"},
)
"Readers of documents as counts of words: from paths to three `irkit.io.kinds.Bags`."

TOKENS = Names(
    "format of tokens",
    "irkit.tokens",
    {
        "20newsgroups": "irkit.io.texts.published:newsgroups",
        "20newsgroups-stripped": "irkit.io.texts.published:stripped_newsgroups",
        "imdb": "irkit.io.texts.published:imdb",
        "reuters-modapte": "irkit.io.texts.published:modapte",
        "reuters-r52": "irkit.io.texts.published:r52",
        "reuters-r8": "irkit.io.texts.published:r8",
        "folder": "irkit.io.texts.files:folder",
        "txt": "irkit.io.texts.files:plain",
        "csv": "irkit.io.texts.files:csv",
        "tsv": "irkit.io.texts.files:tsv",
        "jsonl": "irkit.io.texts.files:json_lines",
    },
)
"Readers of texts that become tokens: from paths to an `irkit.io.texts.parts.Texts` for each part that there is."

POOLS = Names(
    "format of pools",
    "irkit.pools",
    {
        "answers": "irkit.io.pools.answers:answers",
        "insuranceqa": "irkit.io.pools.insuranceqa:insuranceqa",
        "letor": "irkit.io.pools.letor:letor",
        "trecqa": "irkit.io.pools.trecqa:trecqa",
        "wikiqa": "irkit.io.pools.wikiqa:wikiqa",
    },
)
"Readers of candidates: from the paths of a part's files and the name of the part to an `irkit.io.pools.pool.Pool`."

TABLES = (
    STAGES,
    MODELS,
    TASKS,
    MEASURES,
    JUDGES,
    SETS,
    ROWS,
    PICTURES,
    SEQUENCES,
    BAGS,
    TOKENS,
    POOLS,
    DOCUMENTS,
    QUERIES,
    QRELS,
)


def plugin_packages() -> set[str]:
    """Return the names of the top-level packages that plug-ins of all kinds live in."""
    entries = [entry for table in TABLES for claims in plugins_of(table.group).values() for entry in claims]
    return {entry.module.partition(".")[0] for entry in entries} - {"irkit"}


OPENERS = {
    "cross_encoder": "irkit.recipe.encoders.open_cross_encoder",
    "encoder": "irkit.recipe.encoders.open_encoder",
    "index": "irkit.Index.open",
    "train": "irkit.recommend.load_ratings",
    "vectors": "irkit.text.vectors.Vectors.load",
}
"What in Python makes a resource of a path; what resources are, `irkit.recipe.resources` says."


def plugin_of(error: BaseException) -> str:
    """Say which plug-in raised an error that nobody meant, and in which line, the innermost; empty where none did."""
    if hasattr(error, "raised_in"):  # told by a worker, whose trace does not travel
        return str(error.raised_in)
    packages = plugin_packages()
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        module = str(frame.f_globals.get("__name__"))
        if module.partition(".")[0] in packages:
            return f"the plug-in {module} (line {line})"
    return ""
