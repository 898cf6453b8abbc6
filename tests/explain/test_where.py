"""Shares of heat on the border, and mean maps."""

import numpy as np
import pytest

from cifake.explain.where import (
    AREA_SHARE,
    border_shares,
    densities,
    enlarge,
    half_areas,
    mean_map,
    share_table,
)


def test_the_border_is_44_percent_of_the_area_whatever_the_size_of_the_maps():
    assert AREA_SHARE == 0.4375  # 1 - 24² / 32²
    for size in (1, 5, 13, 16, 32):
        assert border_shares(densities(np.ones((1, size, size)))) == pytest.approx(0.4375)


def test_one_pixel_is_on_the_border_or_is_not():
    heat = np.zeros((4, 32, 32))
    for image, (row, column) in enumerate([(0, 0), (3, 16), (4, 4), (16, 27)]):
        heat[image, row, column] = image + 1
    assert border_shares(densities(heat)).tolist() == [1, 1, 0, 0]


def test_shares_without_enlarging_are_those_of_enlarged_maps():
    heat = np.random.default_rng(0).random((3, 13, 7))
    large = enlarge(heat)
    inner = large[:, 4:-4, 4:-4].sum(axis=(1, 2))
    assert np.allclose(border_shares(densities(heat)), 1 - inner / large.sum(axis=(1, 2)))


def test_maps_are_enlarged_bilinearly():
    line = enlarge(np.array([[0.0, 1.0]]))[0]
    # Two cells of 16 pixels with centres at 7.5 and 23.5; between them a straight line.
    assert line[:8].tolist() == [0] * 8
    assert line[24:].tolist() == [1] * 8
    assert np.allclose(line[8:24], (np.arange(8, 24) - 7.5) / 16)


def test_images_count_alike_in_the_mean_and_those_without_heat_do_not():
    heat = np.zeros((3, 2, 2))
    heat[0, 0], heat[1, 1] = 100, 1
    mean = mean_map(densities(heat))
    assert mean[0, 0] == pytest.approx(mean[31, 0]) == pytest.approx(1)
    assert mean_map(densities(heat[2:])).max() == 0


def test_half_of_the_heat_lies_on_the_fewest_cells():
    heat = np.array([[[5.0, 1, 1], [1, 1, 1]], [[1, 1, 1], [1, 1, 1]], [[0, 0, 0], [0, 0, 0]]])
    shares = half_areas(densities(heat))
    assert shares[:2].tolist() == pytest.approx([1 / 6, 1 / 2])  # 5 of 10, and 3 of 6
    assert np.isnan(shares[2])


def test_the_table_counts_by_label_and_by_object():
    heat = np.ones((4, 2, 2))
    heat[3] = 0
    table = share_table(
        densities(heat),
        label=np.array(["REAL", "FAKE", "FAKE", "FAKE"]),
        object=np.array(["cat", "cat", "dog", "dog"]),
    )
    assert table[["label", "object", "images", "without_heat"]].to_numpy().tolist() == [
        ["FAKE", "all", 3, 1], ["REAL", "all", 1, 0],
        ["FAKE", "cat", 1, 0], ["FAKE", "dog", 2, 1], ["REAL", "cat", 1, 0],
    ]  # fmt: skip
    assert table["half_area"].tolist() == pytest.approx([0.5] * 5)
    assert table["border_share"].tolist() == pytest.approx([0.4375] * 5)
    assert share_table(densities(heat), call=np.array(["REAL"] * 4))["images"].tolist() == [4]
