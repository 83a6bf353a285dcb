"""Recommenders: stages whose queries are users and whose documents are items."""

from irkit.recommend.als import ALS
from irkit.recommend.bias import Bias
from irkit.recommend.ease import EASE
from irkit.recommend.popularity import Popularity
from irkit.recommend.table import RatingTable

__all__ = ["ALS", "EASE", "Bias", "Popularity", "RatingTable"]
