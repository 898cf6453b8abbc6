import os
import tarfile
import zipfile

import pytest

from cifake.core.errors import DataError
from cifake.data import load
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


def test_folders_with_files_of_the_same_sizes_and_times_are_told_apart(tmp_path):
    """As unpacked from archives whose files have all the time of packing."""
    found = set()
    for folder in ("a", "b"):
        root = write_tree(tmp_path / folder, FILES)
        for file in root.rglob("*.jpg"):
            os.utime(file, (0, 0))
        found.add(open_path(root).fingerprint())
    assert len(found) == 2


def test_a_tar_with_two_files_of_one_name_is_refused(tmp_path):
    archive = pack(tmp_path / "a.tar", FILES)
    with tarfile.open(archive, "a") as packed:
        packed.add(__file__, "train/REAL/1.jpg")
    with pytest.raises(DataError, match=r"a.tar: train/REAL/1.jpg is in it twice; pack it again"):
        list(open_path(archive).files())


def test_the_home_of_an_unknown_user_is_a_folder_that_is_not_there(monkeypatch):
    monkeypatch.setenv("CIFAKE_DATA", "~nosuch/x")
    with pytest.raises(DataError, match=r"CIFAKE_DATA.*~nosuch/x"):
        find("auto")


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


def test_a_zip_with_entries_for_folders_is_read(tmp_path):
    archive = tmp_path / "cifake.zip"
    with zipfile.ZipFile(archive, "w") as packed:  # as `zip -r` does
        for folder in ("train/", "train/REAL/", "train/FAKE/", "test/", "test/REAL/", "odd.jpg/"):
            packed.writestr(folder, b"")
        for name, data in FILES.items():
            packed.writestr(name, data)
    assert dict(open_path(archive).files()) == FILES


def test_a_zip_with_backslashes_is_read(tmp_path):
    archive = pack(tmp_path / "cifake.zip", {name.replace("/", "\\"): data for name, data in FILES.items()})
    assert dict(open_path(archive).files()) == FILES


def test_a_tar_of_the_current_folder_is_read(tmp_path):
    with tarfile.open(tmp_path / "cifake.tar.gz", "w:gz") as packed:  # as `tar -C folder .` does
        packed.add(write_tree(tmp_path / "tree", FILES), ".")
    assert dict(open_path(tmp_path / "cifake.tar.gz").files()) == FILES


def test_an_encrypted_zip_is_not_called_damaged(tmp_path):
    archive = pack(tmp_path / "cifake.zip", FILES)
    data = bytearray(archive.read_bytes())
    for start, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the flags of local and central headers
        place = -1
        while (place := data.find(start, place + 1)) >= 0:
            data[place + flags] |= 1
    archive.write_bytes(data)
    with pytest.raises(DataError, match=r"cifake.zip: the archive is encrypted; pack it without a password$"):
        list(open_path(archive).files())


def test_a_zip_of_unknown_compression_is_not_called_damaged(tmp_path):
    archive = pack(tmp_path / "cifake.zip", FILES)
    data = bytearray(archive.read_bytes())
    for start, method in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        data[data.find(start) + method] = 97  # WavPack
    archive.write_bytes(data)
    with pytest.raises(DataError, match=r"the archive cannot be read .*; pack it with deflate"):
        list(open_path(archive).files())


def test_a_zip_with_a_broken_name_is_named(tmp_path):
    archive = pack(tmp_path / "cifake.zip", {"train/REAL/ü.jpg": b"one"})
    data = archive.read_bytes()
    archive.write_bytes(data.replace("ü".encode(), b"\xc3\xc3", 1))  # in the file's own header alone
    with pytest.raises(DataError, match=r"cifake.zip: the archive is damaged or cut short \('utf-8' codec"):
        list(open_path(archive).files())


def test_images_of_other_suffixes_are_taken_and_what_is_left_out_is_named(tmp_path, caplog):
    files = {
        **FILES, "train/REAL/4.jfif": b"4", "test/FAKE/5.avif": b"5", "train/REAL/6.heic": b"6",
        "train/REAL/deeper/7.jpg": b"7", "notes.txt": b"8", "Thumbs.db": b"9", "train/.hidden": b"10",
    }  # fmt: skip
    taken = {**FILES, "train/REAL/4.jfif": b"4", "test/FAKE/5.avif": b"5"}
    tree = write_tree(tmp_path / "tree", files)
    for path in (tree, pack(tmp_path / "a.zip", files), pack(tmp_path / "a.tar", files)):
        caplog.clear()
        assert dict(open_path(path).files()) == taken
        (message,) = caplog.messages
        assert message.startswith(f"{path}: 3 file(s) left out: ")
        for name in ("6.heic", "deeper/7.jpg", "notes.txt"):
            assert name in message


def test_links_in_a_tar_are_named(tmp_path, caplog):
    tree = write_tree(tmp_path / "tree", FILES)
    os.link(tree / "train/REAL/1.jpg", tree / "train/REAL/linked.jpg")
    with tarfile.open(tmp_path / "a.tar", "w") as packed:
        packed.add(tree, ".")
    assert len(dict(open_path(tmp_path / "a.tar").files())) == 3
    assert "1 file(s) left out: ./train/REAL/" in caplog.messages[0]


def test_names_that_are_not_utf_8_are_one_data_set_from_folder_and_archive(tree, tmp_path, monkeypatch):
    odd = os.fsdecode(b"\xff\xfe.jpg")
    (tree / "test/REAL/0000.jpg").rename(tree / "test/REAL" / odd)
    with tarfile.open(tmp_path / "a.tar", "w") as packed:
        packed.add(tree, ".")
    digests = set()
    for path in (tree, tmp_path / "a.tar"):
        monkeypatch.setenv("CIFAKE_DATA", str(path))
        monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / f"cache of {path.name}"))
        data = load()
        digests.add(data.digest)
        assert r"test/REAL/\xff\xfe.jpg" in data.test.paths.tolist()
        "".join(data.test.paths).encode()  # as every file of predictions must
    assert len(digests) == 1


def test_what_systems_leave_in_folders_is_no_image(tmp_path, caplog):
    left = (
        ".ipynb_checkpoints/train/REAL/1-checkpoint.jpg", "train/REAL/@eaDir/1.jpg",
        "__macosx/train/REAL/2.jpg", "$RECYCLE.BIN/train/REAL/3.jpg", ".Trash-1000/files/train/REAL/4.jpg",
    )  # fmt: skip
    files = {**FILES, **dict.fromkeys(left, b"x")}
    tree = write_tree(tmp_path / ".hidden" / "tree", files)
    for path in (tree, pack(tmp_path / "a.zip", files), pack(tmp_path / "a.tar", files)):
        assert dict(open_path(path).files()) == FILES
    assert caplog.messages == []


def test_a_pipe_is_left_out_and_named_with_control_characters_escaped(tmp_path, caplog):
    tree = write_tree(tmp_path / "tree", FILES)
    os.mkfifo(tree / "train/REAL/a\n\x1b[31m.jpg")
    (tree / "train/REAL/link.jpg").symlink_to("a\n\x1b[31m.jpg")
    assert dict(open_path(tree).files()) == FILES
    (message,) = caplog.messages
    assert message.startswith(f"{tree}: 2 file(s) left out: train/REAL/")
    assert r"train/REAL/a\n\x1b[31m.jpg" in message


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_a_zip_s_files_of_one_name_the_last_counts_as_if_unpacked(tmp_path, caplog):
    archive = pack(tmp_path / "a.zip", FILES)
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr("train/REAL/1.jpg", b"newer")
    source = open_path(archive)
    assert dict(source.files()) == {**FILES, "train/REAL/1.jpg": b"newer"}
    assert caplog.messages == [f"{archive}: 1 file(s) left out: train/REAL/1.jpg"]
    assert [name for name, _ in source.images.entries()].count("train/REAL/1.jpg") == 1
