"""Fit other toolkits' recommenders, timed; runs in an environment that has them, which need not have irkit.

    python benchmarks/peers.py SPLIT.npz

A line on standard input has a seed and the name of a system; the answer is one line of JSON: `wall` and `cpu` seconds
of the fit, and the `rmse` of the test ratings (clipped to the scale) or, of a model that ranks, the path of its
`scores` of all training users and items. First of all it prints the systems it has, those that rank only where
SPLIT.npz has no test ratings.
"""

import contextlib
import json
import os
import sys
import time

import numpy as np

SURPRISE = {
    "Surprise SVD": ("SVD", {}),
    "Surprise SVD, tuned": ("SVD", {"n_factors": 50, "n_epochs": 60, "reg_all": 0.08}),
    "Surprise SVD++": ("SVDpp", {}),
}
CORNAC = {"Cornac MF": ("MF", {"k": 50, "use_bias": True, "early_stop": False}), "Cornac PMF": ("PMF", {"k": 10})}


def main() -> None:
    split = np.load(sys.argv[1])
    systems = {}
    for make in (surprise, lenskit, cornac) if "test_user" in split else (implicit, irspack):
        with contextlib.suppress(ImportError):
            systems |= make(split)
    print(json.dumps(list(systems)), flush=True)
    for line in sys.stdin:
        seed, _, name = line.strip().partition(" ")
        fit = systems[name]
        # What they print of their own goes where it does no harm.
        with contextlib.redirect_stdout(sys.stderr):
            wall, cpu = time.perf_counter(), time.process_time()
            predict = fit(int(seed))
            answer = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
            if "test_user" in split:
                predicted = np.clip(predict(), *split["scale"])
                answer["rmse"] = float(np.sqrt(np.mean((predicted - split["test_rating"]) ** 2)))
            else:
                answer["scores"] = f"{sys.argv[1]}.scores.npy"
                np.save(answer["scores"], predict())
        print(json.dumps(answer), flush=True)


def surprise(split):
    import pandas as pd
    import surprise as package

    columns = ("train_user", "train_item", "train_rating")
    frame = pd.DataFrame({name: split[name] for name in columns})
    train = package.Dataset.load_from_df(
        frame, package.Reader(rating_scale=tuple(split["scale"]))
    ).build_full_trainset()
    test = list(zip(split["test_user"], split["test_item"], split["test_rating"], strict=True))

    def fit_of(kind, settings):
        def fit(seed):
            model = getattr(package, kind)(random_state=seed, **settings).fit(train)
            return lambda: np.array([one.est for one in model.test(test)])

        return fit

    return {name: fit_of(*how) for name, how in SURPRISE.items()}


def lenskit(split):
    import pandas as pd
    from lenskit.als import BiasedMFScorer
    from lenskit.basic import BiasScorer
    from lenskit.data import ItemList, from_interactions_df
    from lenskit.training import TrainingOptions

    data = from_interactions_df(
        pd.DataFrame({"user_id": split["train_user"], "item_id": split["train_item"], "rating": split["train_rating"]})
    )

    def fit_of(make):
        def fit(seed):
            model = make()
            model.train(data, TrainingOptions(rng=seed))

            def predict():
                out = np.full(len(split["test_user"]), split["train_rating"].mean())
                for user in np.unique(split["test_user"]):
                    mine = np.flatnonzero(split["test_user"] == user)
                    scores = model(user, ItemList(item_ids=split["test_item"][mine])).scores()
                    known = np.isfinite(scores)
                    out[mine[known]] = scores[known]
                return out

            return predict

        return fit

    return {
        "LensKit bias, damping 5": fit_of(lambda: BiasScorer(damping=5)),
        "LensKit BiasedMF, 50": fit_of(lambda: BiasedMFScorer(embedding_size=50)),
    }


def cornac(split):
    import cornac as package

    rows = list(zip(split["train_user"], split["train_item"], split["train_rating"], strict=True))
    train = package.data.Dataset.from_uir(rows)

    def fit_of(kind, settings):
        def fit(seed):
            model = getattr(package.models, kind)(seed=seed, **settings).fit(train)
            mean = split["train_rating"].mean()

            def predict():
                users, items = train.uid_map, train.iid_map
                pairs = zip(split["test_user"], split["test_item"], strict=True)
                return np.array(
                    [model.rate(users[u], items[i]) if u in users and i in items else mean for u, i in pairs]
                )

            return predict

        return fit

    return {name: fit_of(*how) for name, how in CORNAC.items()}


def ones(split):
    from scipy.sparse import csr_matrix

    cells = np.ones(len(split["train_user"])), (split["train_user"], split["train_item"])
    return csr_matrix(cells, tuple(split["shape"]), dtype=np.float32)


def implicit(split):
    from implicit.als import AlternatingLeastSquares

    seen, threads = ones(split), int(os.environ["OMP_NUM_THREADS"])

    def fit(seed):
        # Its confidence in what was seen is alpha, where ours is 1 + alpha: one objective.
        model = AlternatingLeastSquares(
            factors=64, iterations=15, regularization=30.0, alpha=2.0, random_state=seed, num_threads=threads
        )
        model.fit(seen, show_progress=False)
        return lambda: model.user_factors @ model.item_factors.T

    return {"implicit ALS": fit}


def irspack(split):
    import irspack as package

    seen, threads = ones(split), int(os.environ["OMP_NUM_THREADS"])

    def als(seed):
        # What was not seen weighs alpha0, what was seen 1 more; with nu = 0 all are penalised alike.
        objective = {"reg": 30.0, "nu": 0.0, "alpha0": 1.0, "loss_type": "ORIGINAL"}
        objective |= {"n_components": 64, "train_epochs": 15, "random_seed": seed}
        model = package.IALSRecommender(seen, n_threads=threads, **objective).learn()
        return lambda: model.get_score(np.arange(seen.shape[0]))

    def ease(seed):
        model = package.DenseSLIMRecommender(seen, reg=500.0).learn()
        return lambda: model.get_score(np.arange(seen.shape[0]))

    return {"irspack IALS": als, "irspack DenseSLIM (EASE)": ease}


if __name__ == "__main__":
    main()
