# %% [markdown]
# # Which recommender, with which settings, for errors and for lists?
#
# The ratings are planted: made by a known law of four factors plus noise, so that the least error anybody can reach is known.
# A comparison on them shows how models and settings are compared; what is best on people's ratings it does not say.

# %%
from irkit.recommend import load_problem

problem = load_problem("planted-factors", {"kind": "random", "fraction": 0.2})
facts = problem.split.manifest()
print(facts["train"], facts["test"])
print(f"the best possible RMSE is {problem.floor:.4f}")
# > {'ratings': 4800, 'users': 200, 'items': 100} {'ratings': 1200, 'users': 200, 'items': 100}
# > the best possible RMSE is 0.2944

# %% [markdown]
# ## Errors of predicted ratings, over folds
#
# Every third of the ratings is held out once. Of one model the settings are tuned: in each fold on a part of that fold's
# training ratings, so that no rating chooses the settings by which it is predicted.

# %%
from pathlib import Path

from irkit.evaluate import run_suite
from irkit.report import table

Path("factors.yaml").write_text("""
recipe: biased-mf
parameters:
  embedding_size: [2, 4, 8]
  reg: [0.005, 0.02, 0.1]
""")
Path("errors.yaml").write_text("""
name: errors
ratings: [{name: planted-factors, folds: 3}]
measures: RMSE MAE
baseline: bias
systems: [bias, item-knn, svdpp, biased-mf, {name: biased-mf tuned, recipe: biased-mf, tune: ./factors.yaml}]
""")
print(table(run_suite("errors.yaml")))
# > planted-factors (100 items, 200 users, split 3 folds, seed 42, data d0e63154)
# >
# > system              RMSE       MAE   ms/pair   s/fit   MB
# > ---------------  --------  --------  -------  ------  ---
# > biased-mf tuned  *0.3780+  *0.2937+   0.0094    2.63  229
# > biased-mf         0.4502+   0.3389+    0.015    0.38  229
# > svdpp             0.5604+   0.4124+    0.017    0.49  229
# > item-knn          0.6815+   0.4936+    0.052   0.043  229
# > bias (baseline)   1.0548    0.7664      0.02  0.0036  226
# >
# > * best of its column
# > lower is better: RMSE, MAE
# > + better, - worse than the baseline bias (paired t, Holm-corrected p < 0.05)
# > best possible RMSE 0.3003: that of whoever knows the planted law
# > 4,000 training and 2,000 test ratings; predicted from user and item 100.0%
# > of the first of 3 folds; each is held out once
# > split e0e6a6055356bb2c10224b44f06e4d96
# > test part looked at 5 times
# > biased-mf tuned: tuned: 9 candidates of factors by RMSE on 400 of the training ratings
# > biased-mf tuned: fold 1, chosen: embedding_size=8, reg=0.02
# > biased-mf tuned: fold 1, at the edge of its space: embedding_size
# > biased-mf tuned: fold 2, chosen: embedding_size=4, reg=0.005
# > biased-mf tuned: fold 2, at the edge of its space: reg
# > biased-mf tuned: fold 3, chosen: embedding_size=8, reg=0.005
# > biased-mf tuned: fold 3, at the edge of its space: embedding_size, reg
# > biased-mf tuned: by fold: RMSE 0.3870, 0.3722, 0.3748, sd 0.0079; MAE 0.2968, 0.2928, 0.2916, sd
# >   0.0027
# > biased-mf: by fold: RMSE 0.4392, 0.4532, 0.4582, sd 0.0098; MAE 0.3315, 0.3480, 0.3371, sd 0.0084
# > svdpp: by fold: RMSE 0.5370, 0.5604, 0.5839, sd 0.0235; MAE 0.4022, 0.4231, 0.4120, sd 0.0105
# > item-knn: by fold: RMSE 0.6578, 0.6976, 0.6892, sd 0.0210; MAE 0.4787, 0.5110, 0.4911, sd 0.0163
# > bias: by fold: RMSE 1.0287, 1.0759, 1.0599, sd 0.0240; MAE 0.7496, 0.7921, 0.7575, sd 0.0226

# %% [markdown]
# Tuning takes the error of `biased-mf` a good part of the way to the floor, and its notes say where it would like a larger
# space. Deviations between folds are far smaller than the differences between models.
#
# ## Lists
#
# Who predicts ratings best need not give the best lists. An item is relevant where the user rated it 4 or more in the test
# part; `ease`, `als` and `bpr` learn from what was rated, whatever the rating.

# %%
Path("lists.yaml").write_text("""
name: lists
ratings: [{name: planted-factors, split: {kind: random, fraction: 0.2}, liked: 4}]
measures: nDCG@10 R@10 Coverage@10
baseline: popularity
systems: [popularity, ease, bpr, item-knn, biased-mf]
""")
print(table(run_suite("lists.yaml")))
# > planted-factors (100 items, 165 users, split random, fraction 0.2, seed 42, data d0e63154)
# >
# > system                 nDCG@10      R@10   Coverage@10   ms/user    s/fit   MB
# > ---------------------  --------  --------  ------------  -------  -------  ---
# > biased-mf              *0.2201+  *0.3964+       0.6500      0.19     0.17  235
# > item-knn                0.1985+   0.3621+       0.7900      0.51    0.022  235
# > popularity (baseline)   0.0506    0.0971        0.1600      0.20  0.00058  234
# > bpr                     0.0423    0.0745       *1.0000      0.23     0.71  235
# > ease                    0.0414    0.0729        0.7300      0.15   0.0057  235
# >
# > * best of its column
# > of all users together, so without interval and test: Coverage@10
# > + better, - worse than the baseline popularity (paired t, Holm-corrected p < 0.05)
# > candidates: all items but those the user liked in training; relevant: rated 4 or more in the test
# >   part
# > the catalogue is the 100 items with a training rating
# > 4,800 training and 1,200 test ratings; 0 of 165 users are new and get what is popular
# > split 12e527d6f19df718773d72845c4e1599
# > the scale -4.01..11.9 is that of all ratings; those of the training part lie in -2.38..11.9
# > test part looked at 5 times
# > task 6af063effa3ff0b2eb1ed730d034a261

# %% [markdown]
# Here those that predict ratings win clearly, and the two that rank are no better than popularity. That is the law's doing: it
# plants which ratings users give, and draws at random which items they rate, so that what was rated tells nothing. With a
# threshold the rankers learn from what was liked:

# %%
from irkit.evaluate.toplists import top_n_task
from irkit.recommend import EASE

task = top_n_task(problem.split.train, problem.split.test, threshold=4)
for name, ease in {"rated": EASE(reg=50), "liked": EASE(reg=50, threshold=4)}.items():
    print(name, round(task.evaluate(ease.fit(problem.split.train), "nDCG@10").means["nDCG@10"], 4))
# > rated 0.0317
# > liked 0.1434
