import json

from PIL import Image

from genaug_data.report.blocks import Chart, Text
from genaug_data.report.sections.audited import audit_blocks

FOUND = {"images": 1200, "copies": [1, 2], "memorised": [3], "expected_by_mistake": 1.2, "authentic": 0.8}


def leave(folder, found):
    (folder / "audit").mkdir()
    (folder / "audit" / "audit.json").write_text(found if isinstance(found, str) else json.dumps(found))


def test_counts_and_pictures_are_shown(tmp_path):
    leave(tmp_path, FOUND)
    Image.new("RGB", (4, 4), "red").save(tmp_path / "audit" / "copies.png")
    told, picture = audit_blocks(tmp_path)
    assert isinstance(told, Text)
    assert told.is_warning
    assert "1,200 variants" in told.text
    assert "2 count as copies, 1.2 would by mistake. 1 repeat a training image." in told.text
    assert isinstance(picture, Chart)
    assert '<img src="data:image/png;base64,' in picture.svg


def test_without_copies_nothing_is_to_be_warned_of(tmp_path):
    leave(tmp_path, FOUND | {"copies": [], "authentic": None})
    [told] = audit_blocks(tmp_path)
    assert not told.is_warning
    assert "training" not in told.text


def test_no_audit_and_a_damaged_one_show_nothing(tmp_path):
    assert audit_blocks(tmp_path) == []
    leave(tmp_path, "{ broken")
    assert audit_blocks(tmp_path) == []
