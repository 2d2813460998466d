"""CITATION.cff is what the Citation File Format 1.2.0 asks for, and agrees with the package."""

import re

import yaml

from sdd import __version__
from tests.small import PROJECT

CITATION = yaml.safe_load((PROJECT / "CITATION.cff").read_text())


def _check(work):
    assert work["title"]
    assert work["authors"]
    for author in work["authors"]:
        assert set(author) in ({"name"}, {"family-names", "given-names"})


def test_the_software_is_cited_with_its_version_and_licence():
    assert {"cff-version", "message", "title", "authors"} <= CITATION.keys()
    assert (CITATION["cff-version"], CITATION["type"]) == ("1.2.0", "software")
    _check(CITATION)
    assert CITATION["version"] == __version__
    assert f'license = "{CITATION["license"]}"' in (PROJECT / "pyproject.toml").read_text()


def test_the_paper_is_the_readmes():
    (paper,) = CITATION["references"]
    _check(paper)
    (arxiv,) = (one["value"] for one in paper["identifiers"])
    assert re.fullmatch(r"arXiv:\d{4}\.\d{5}", arxiv)
    readme = (PROJECT / "README.md").read_text()
    assert arxiv in readme
    names = [author["family-names"] for author in paper["authors"]]
    assert f"({', '.join(names[:-1])} & {names[-1]}, ICML {paper['year']}" in readme.replace("\n", " ")
