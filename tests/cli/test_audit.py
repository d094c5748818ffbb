import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from genaug_data.cli import main
from genaug_data.sample import Sample
from tests.copies.scenes import scenes


def write(folder, samples):
    folder.mkdir()
    for number, sample in enumerate(samples):
        Image.fromarray(sample.image.permute(1, 2, 0).numpy()).save(folder / f"{number:03}.png")


@pytest.fixture
def folders(tmp_path):
    test = scenes(20, 0)
    write(tmp_path / "test", test)
    write(tmp_path / "train", scenes(60, 1))
    write(tmp_path / "clean", scenes(20, 2))
    write(tmp_path / "planted", [*scenes(20, 2), test[4]])
    return tmp_path


def run(folders, name, *others):
    test, train = str(folders / "test"), str(folders / "train")
    arguments = [str(folders / name), "--protected", test, "--train", train, "--progress=False"]
    return main(["audit", *arguments, *others])


def test_a_planted_copy_is_shown_and_sets_the_exit_status(folders, capsys):
    assert run(folders, "planted") == 3
    told = capsys.readouterr().out
    assert "21 synthetic images, 1 copy of protected ones (about 0.0 expected by mistake)" in told
    assert "020.png  is like  004.png" in told
    found = json.loads((folders / "planted" / "audit" / "audit.json").read_text())
    assert [(one["image"], one["like"], one["distance"]) for one in found["copies"]] == [("020.png", "004.png", 0.0)]
    picture = np.asarray(Image.open(folders / "planted" / "audit" / "copies.png"))
    planted = np.asarray(Image.open(folders / "test" / "004.png"))
    # Both images of the pair, three times as large.
    shown = planted.repeat(3, 0).repeat(3, 1)
    top, left = 22, 8
    for start in (left, left + 98):
        assert (picture[top : top + 96, start : start + 96] == shown).all()
    # Its own pictures are not audited the next time.
    assert run(folders, "planted") == 3
    assert "21 synthetic images" in capsys.readouterr().out


def test_a_clean_folder_passes_and_old_pictures_go(folders, capsys):
    out = folders / "out"
    assert run(folders, "planted", f"--out={out}") == 3
    assert run(folders, "clean", f"--out={out}") == 0
    told = capsys.readouterr().out
    assert "the nearest, none of them a copy" in told
    assert sorted(path.name for path in out.iterdir()) == ["audit.json", "nearest.png"]


def test_errors_are_one_sentence(folders, capsys):
    assert main(["audit", str(folders / "missing"), "--protected", str(folders / "test")]) == 1
    assert "there is no folder" in capsys.readouterr().err
    assert main(["audit", str(folders / "clean")]) == 1
    assert "see genaug audit --help" in capsys.readouterr().err
    assert run(folders, "clean", "--alpha=0.5") == 1
    assert "alpha must lie in (0, 0.05]" in capsys.readouterr().err


def test_a_folder_given_twice_protects_as_well_as_once(folders, capsys):
    def calibrations(*protected):
        main(
            ["audit", str(folders / "clean"), "--protected", *protected, "--progress=False", f"--out={folders / 'out'}"]
        )
        return json.loads((folders / "out" / "audit.json").read_text())["calibrations"]

    test = str(folders / "test")
    once = calibrations(test)
    assert calibrations(test, test + "/../test") == once
    assert "altered copies are not found" not in capsys.readouterr().out
    # A copy of the folder cannot be told by its name, but by what is in it.
    shutil.copytree(test, folders / "again")
    assert calibrations(test, str(folders / "again")) == once


def test_where_altered_copies_cannot_be_found_the_exit_status_is_an_error(folders, capsys):
    mirrored = [Sample(sample.image.flip(2), 0) for sample in scenes(20, 0)]
    write(folders / "mirrored", mirrored)
    protected = [str(folders / name) for name in ("test", "mirrored")]
    assert main(["audit", str(folders / "clean"), "--protected", *protected, "--progress=False"]) == 1
    assert "altered copies are not found by whole: 40 of the 40 images" in capsys.readouterr().out


def test_what_cannot_be_written_or_read_is_told_before_anything_is_compared(folders, capsys):
    (folders / "file").write_text("no folder")
    assert run(folders, "clean", f"--out={folders / 'file'}") == 1
    assert "pass another one as --out" in capsys.readouterr().err
    assert run(folders, "clean", f"--features={folders / 'file'}") == 1
    assert "cannot be read as TorchScript" in capsys.readouterr().err


def test_who_can_read_nothing_is_not_told_that_all_is_well(folders, capsys):
    (folders / "broken").mkdir()
    for path in sorted((folders / "planted").iterdir())[:3]:
        (folders / "broken" / path.name).write_bytes(path.read_bytes()[:40])
    assert run(folders, "broken") == 1
    assert "3 images could not be read, and nothing is known of them" in capsys.readouterr().out


def test_a_reader_who_leaves_takes_no_finding_for_none(folders):
    arguments = ["audit", "planted", "--protected", "test", "--train", "train", "--progress=False"]
    with subprocess.Popen(
        [sys.executable, "-u", "-c", "import sys; from genaug_data.cli import main; sys.exit(main())", *arguments],
        stdout=subprocess.PIPE, cwd=folders, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as ran:  # fmt: skip
        ran.stdout.close()
        assert ran.wait(100) == 141


def test_few_images_that_set_the_thresholds_are_named(folders, capsys):
    run(folders, "clean")
    told = capsys.readouterr().out
    assert "only 60 images set the thresholds, so that several times as many may be mistakes" in told
