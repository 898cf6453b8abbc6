"""The first rounds of benchmarks/reliability/fuzz.py: folders and archives."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.reliability.fuzz import check_files, encode_samples


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_odd_folders_and_damaged_archives_are_read_or_named_in_one_error(tmp_path):
    samples, random, ends = encode_samples(), np.random.default_rng(0), Counter()
    for number in range(100):
        (tmp_path / str(number)).mkdir()
        ends.update(check_files(tmp_path / str(number), samples, random))
    assert ends["read"] > 200
    assert ends["refused"] > 50
