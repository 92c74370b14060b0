"""Tables: every delimiter, quoting and type, and errors that name the line."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.errors import SourceError
from indexer.tables import CsvTable, ParquetTable, Value


def table(tmp_path: Path, text: str | bytes) -> CsvTable:
    path = tmp_path / "items.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return CsvTable(path)


def column(tmp_path: Path, *cells: str) -> tuple[str, list[Value]]:
    """The kind and values of a column of cells."""
    lines = "".join(f'p,"{cell}"\n' for cell in cells)
    found = table(tmp_path, f"path,x\n{lines}")
    return found.columns["x"], [row["x"] for _, row in found.rows()]


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (("1", "-2", "+3", "0"), "integer", [1, -2, 3, 0]),
        (("1", "2.5", "-1e3", ".5", "7."), "number", [1.0, 2.5, -1000.0, 0.5, 7.0]),
        (("true", "FALSE", "True"), "boolean", [True, False, True]),
        (("1", "true"), "text", ["1", "true"]),
        (("007", "8"), "text", ["007", "8"]),
        (("00.5", "8"), "text", ["00.5", "8"]),
        (("1", "", "3"), "integer", [1, None, 3]),
        (("", ""), "text", [None, None]),
        (("999999999999999999",), "integer", [999999999999999999]),
        (("12345678901234567890", "1"), "text", ["12345678901234567890", "1"]),
        (("12345678901234567", "1.5"), "text", ["12345678901234567", "1.5"]),
        (("9" * 5000,), "text", ["9" * 5000]),
        (("1e999",), "text", ["1e999"]),
        (("nan", "inf"), "text", ["nan", "inf"]),
        (("-", "1"), "text", ["-", "1"]),
        (("e5", "1"), "text", ["e5", "1"]),
        (("+",), "text", ["+"]),
        ((".",), "text", ["."]),
        (("1_000",), "text", ["1_000"]),
        (("٣", "4"), "text", ["٣", "4"]),
        ((" 1",), "text", [" 1"]),
        (("1,5",), "text", ["1,5"]),
        (("red", "größe 色 🧶"), "text", ["red", "größe 色 🧶"]),
    ],
)
def test_a_column_has_the_narrowest_type_that_loses_nothing(
    tmp_path: Path, cells: tuple[str, ...], kind: str, values: list[Value]
) -> None:
    found, read = column(tmp_path, *cells)
    assert (found, read) == (kind, values)
    assert [type(one) for one in read] == [type(one) for one in values]


def test_path_and_key_stay_text_whatever_they_look_like(tmp_path: Path) -> None:
    found = table(tmp_path, "key,path,n\n17,18,19\n")
    assert found.columns == {"key": "text", "path": "text", "n": "integer"}
    assert list(found.rows()) == [(2, {"key": "17", "path": "18", "n": 19})]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_quotes_and_line_ends_in_cells_are_kept(
    tmp_path: Path, delimiter: str, end: str, mark: str
) -> None:
    lines = ["path;note", '"a;b.jpg";"said ""hi"""', "", 'c.jpg;"two\nlines"', "d.jpg;"]
    text = end.join(lines).replace(";", delimiter)
    found = table(tmp_path, mark + text)
    assert list(found.columns) == ["path", "note"]
    assert [row for _, row in found.rows()] == [
        {"path": f"a{delimiter}b.jpg", "note": 'said "hi"'},
        {"path": "c.jpg", "note": "two\nlines"},
        {"path": "d.jpg", "note": None},
    ]
    assert [number for number, _ in found.rows()] == [2, 5, 6]


@pytest.mark.parametrize("row", ["b.jpg", "b.jpg,1,2", "b.jpg,1,"])
def test_a_ragged_row_is_named_by_its_line(tmp_path: Path, row: str) -> None:
    with pytest.raises(SourceError, match=r"items\.csv', line 4 has \d cells, the header has 2"):
        table(tmp_path, f'path,x\n"a\n.jpg",1\n{row}\n')


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="names a column twice: path, x, x"):
        table(tmp_path, "path,x,x\na,1,2\n")


@pytest.mark.parametrize("text", ["path,größe\n", "path,x\na,größe\n"])
def test_a_file_in_another_encoding_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match=r"items\.csv' is not UTF-8"):
        table(tmp_path, text.encode("latin-1"))


@pytest.mark.parametrize("text", ['path,x\na,"b\n', "path,x\na," + "b" * 200_000, "p" * 200_000])
def test_what_is_no_csv_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match=r"items\.csv' is not CSV"):
        table(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot read '.*gone\.csv': No such file"):
        CsvTable(tmp_path / "gone.csv")


def test_an_empty_file_has_no_columns_and_a_lone_header_no_rows(tmp_path: Path) -> None:
    assert table(tmp_path, "").columns == {}
    found = table(tmp_path, "path,x\n")
    assert found.columns == {"path": "text", "x": "text"}
    assert list(found.rows()) == []


def parquet(tmp_path: Path, **columns: object) -> ParquetTable:
    path = tmp_path / "items.parquet"
    pq.write_table(pa.table(columns), path)
    return ParquetTable(path)


def test_parquet_values_come_as_plain_ones_of_their_type(tmp_path: Path) -> None:
    found = parquet(
        tmp_path,
        path=["a", "b"],
        i=pa.array([1, None], pa.int64()),
        f=[1.5, float("nan")],
        inf=[float("inf"), 2.0],
        t=[True, None],
        d=[date(2026, 1, 2), None],
        m=[datetime(2026, 1, 2, 3, 4, 5), None],
        c=[Decimal("1.25"), None],
        u=pa.array([2**64 - 1, 0], pa.uint64()),
        s=pa.array(["x", "y"]).dictionary_encode(),
        n=pa.nulls(2),
    )
    assert found.columns == {
        "path": "text", "i": "integer", "f": "number", "inf": "number", "t": "boolean",
        "d": "text", "m": "text", "c": "number", "u": "integer", "s": "text", "n": "text",
    }  # fmt: skip
    rows = list(found.rows())
    assert rows == [
        (1, {
            "path": "a", "i": 1, "f": 1.5, "inf": None, "t": True, "d": "2026-01-02",
            "m": "2026-01-02T03:04:05", "c": 1.25, "u": 2**64 - 1, "s": "x", "n": None,
        }),
        (2, {
            "path": "b", "i": None, "f": None, "inf": 2.0, "t": None, "d": None, "m": None,
            "c": None, "u": 0, "s": "y", "n": None,
        }),
    ]  # fmt: skip
    assert type(rows[0][1]["i"]) is int
    assert type(rows[0][1]["t"]) is bool


def test_parquet_rows_are_counted_across_batches(tmp_path: Path) -> None:
    found = parquet(tmp_path, path=[f"{n}" for n in range(9000)])
    assert [(number, row["path"]) for number, row in found.rows()] == [
        (n + 1, f"{n}") for n in range(9000)
    ]


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    with pytest.raises(SourceError, match="is not a Parquet file"):
        ParquetTable(path)
    path.write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(SourceError, match=r"items\.parquet' is not a Parquet file"):
        ParquetTable(path)


def test_parquet_that_is_damaged_inside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    names = [f"{n * 7919 % 10007}" for n in range(5000)]
    pq.write_table(pa.table({"path": names}), path, use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[4:200] = bytes(196)
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"cannot read '.*items\.parquet'"):
        list(ParquetTable(path).rows())


def test_a_parquet_column_named_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["path", "path"])
    pq.write_table(twice, path)
    with pytest.raises(SourceError, match="names a column twice: path, path"):
        ParquetTable(path)
