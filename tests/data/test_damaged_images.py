"""The first rounds of benchmarks/reliability/fuzz.py: images."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.reliability.fuzz import check_image, damage, encode_samples


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_images_give_the_same_pixels_everywhere_or_one_error_of_one_line(caplog):
    samples, random = encode_samples(), np.random.default_rng(0)
    ends = Counter(check_image(damage(data, random)) for data in samples * 4)
    assert len(samples) > 250
    assert ends["refused"] > 500
    assert ends["converted"] > 200
    assert ends["read"] > 50
    assert caplog.messages == []
