import hashlib

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from cifake.data import load
from cifake.data.demo import Demo


def test_the_same_bytes_every_time():
    first, second = (hashlib.sha256(b"".join(data for _, data in Demo().files())) for _ in range(2))
    assert first.hexdigest() == second.hexdigest()


def test_sizes_and_balance():
    data = load("demo")
    assert (len(data.train), len(data.validation), len(data.test)) == (3200, 800, 1000)
    assert data.test.labels.mean() == 0.5
    assert load("demo", "small").test.labels.mean() == 0.5


def test_a_linear_model_on_pixels_hardly_learns_it():
    data = load("demo")
    scale = StandardScaler()
    train = scale.fit_transform(data.train.images.reshape(len(data.train), -1))
    test = scale.transform(data.test.images.reshape(len(data.test), -1))
    accuracy = max(
        LogisticRegression(C=penalty, max_iter=300)
        .fit(train, data.train.labels)
        .score(test, data.test.labels)
        for penalty in (1e-4, 1e-2)
    )
    assert 0.4 < accuracy < 0.65


def test_labels_are_told_by_fine_detail():
    """What the demo set is meant to hold: fakes have less energy between neighbouring pixels."""
    data = load("demo")
    detail = np.abs(np.diff(data.test.images.astype(float), axis=2)).mean(axis=(1, 2, 3))
    assert detail[data.test.labels == 1].mean() < detail[data.test.labels == 0].mean()
