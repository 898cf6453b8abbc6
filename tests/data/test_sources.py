import pytest

from cifake.core.errors import DataError
from cifake.data.find import find, open_path
from tests.support.data_sets import pack, write_tree

FILES = {"train/REAL/1.jpg": b"one", "train/FAKE/1 (2).JPG": b"two", "test/REAL/3.jpg": b"three"}
# The same files as somebody may have packed them, with what systems leave behind.
PACKED = {
    "Downloads/CIFAKE/Train/real/1.jpg": b"one",
    "Downloads/CIFAKE/Train/real/.DS_Store": b"x",
    "Downloads/CIFAKE/Train/Fake/1 (2).JPG": b"two",
    "Downloads/CIFAKE/TEST/REAL/3.jpg": b"three",
    "__MACOSX/CIFAKE/Train/real/._1.jpg": b"x",
    "__MACOSX/CIFAKE/Train/real/1.jpg": b"x",
    "Downloads/CIFAKE/readme.txt": b"x",
    "Downloads/CIFAKE/extra.jpg": b"x",
}


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.xz"])
def test_archives_give_canonical_names_at_any_depth_in_any_case(tmp_path, suffix):
    archive = pack(tmp_path / f"cifake{suffix}", PACKED)
    assert dict(open_path(archive).files()) == FILES


def test_a_directory_gives_the_same(tmp_path):
    assert dict(open_path(write_tree(tmp_path, PACKED)).files()) == FILES


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.xz"])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
def test_an_archive_cut_short_is_named(tmp_path, suffix, share, demo_files):
    archive = pack(tmp_path / f"cifake{suffix}", demo_files)
    archive.write_bytes(archive.read_bytes()[: int(share * archive.stat().st_size)])
    with pytest.raises(DataError, match=r"cifake\S+ the archive is damaged or cut short"):
        list(open_path(archive).files())


def test_a_tar_cut_between_two_files_is_not_taken_for_whole(tmp_path):
    archive = pack(tmp_path / "cifake.tar", FILES)
    archive.write_bytes(archive.read_bytes()[: 2 * 1024])  # two headers with one block each
    with pytest.raises(DataError, match="no end-of-archive marker"):
        list(open_path(archive).files())


def test_a_fingerprint_follows_the_content(tmp_path):
    root = write_tree(tmp_path / "tree", FILES)
    first = open_path(root).fingerprint()
    assert open_path(root).fingerprint() == first
    (root / "train/REAL/1.jpg").write_bytes(b"another")
    assert open_path(root).fingerprint() != first
    archive = pack(tmp_path / "a.zip", FILES)
    assert open_path(archive).fingerprint() != open_path(pack(tmp_path / "b.zip", PACKED)).fingerprint()


def test_cifake_data_comes_first_and_must_exist(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    archive = pack(tmp_path / "cifake.zip", FILES)
    (tmp_path / "data/cifake").mkdir(parents=True)
    assert find("auto").location == "data/cifake"
    monkeypatch.setenv("CIFAKE_DATA", str(archive))
    assert find("auto").location == str(archive)
    monkeypatch.setenv("CIFAKE_DATA", str(tmp_path / "nothing.zip"))
    with pytest.raises(DataError, match=r"nothing.zip: expected a directory or a .zip, .* no such file"):
        find("auto")


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "cifake.rar").write_bytes(b"Rar!")
    with pytest.raises(DataError, match=r"expected a directory or a \.zip, .*which this is not"):
        open_path(tmp_path / "cifake.rar")


def test_without_data_or_network_auto_warns_and_cifake_refuses(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    assert find("auto").name == "demo"
    assert "DEMO DATA, NOT CIFAKE" in capsys.readouterr().err
    with pytest.raises(DataError, match="CIFAKE was not found: CIFAKE_DATA is not set"):
        find("cifake")


def test_demo_is_there_for_the_asking(monkeypatch, capsys):
    monkeypatch.setenv("CIFAKE_DATA", "/nonexistent")
    assert find("demo").name == "demo"
    assert capsys.readouterr().err == ""
