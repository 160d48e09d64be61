"""The plain way, for comparison: scikit-learn's TF-IDF and LinearSVC with nothing chosen or added.

Used by `manage.py evaluate_nlu` only, which imports it inline: scikit-learn takes seconds to load.
"""

from collections.abc import Sequence

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from prompts.nlu.segment import language_of

FOLDS = 4
SAMPLE = 200


def predict(texts: Sequence[str], labels: Sequence[str], *, unseen: Sequence[str]) -> list[str]:
    """The labels of unseen texts."""
    fitted = plain(texts).fit(texts, labels)
    return [str(label) for label in fitted.predict(unseen)]


def cross_validated(texts: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Each text's label by a model that has not seen it, with as many folds as our own."""
    return [str(one) for one in cross_val_predict(plain(texts), texts, labels, cv=FOLDS)]


def plain(texts: Sequence[str]) -> Pipeline:
    """Words and pairs of words; runs of one to three characters where there are no spaces between words."""
    chinese = sum(language_of(text) == "zh" for text in texts[:SAMPLE]) * 2 > len(texts[:SAMPLE])
    units, sizes = ("char", (1, 3)) if chinese else ("word", (1, 2))
    return make_pipeline(
        TfidfVectorizer(analyzer=units, ngram_range=sizes, sublinear_tf=True), LinearSVC()
    )
