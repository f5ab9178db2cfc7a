"""Tells authors of one name apart: by their co-authors, and by nothing else.

Two papers with the same author's name are one person's if another co-author's name is on both, or
if such papers lead from one to the other. Names are the same if they share a `slug`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from papers_pipeline.site.slugs import slug


@dataclass(frozen=True)
class AuthoredPaper:
    """A paper's arXiv id and its authors' names."""

    arxiv_id: str
    names: Sequence[str]


@dataclass(frozen=True)
class Person:
    """An author with two papers or more, the papers' ids oldest first.

    - `key`: the name in URLs, such as `ada-example`, or `ada-example_2` for the second person of
      this name that had two papers. It never changes when newer papers appear, unless they show
      that two people are one.
    - `former`: the keys of people who turned out to be this one.
    """

    key: str
    papers: Sequence[str]
    former: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The slug of the name."""
        return self.key.partition("_")[0]


@dataclass(eq=False)
class _Group:
    """Papers of one name that belong together. `number` counts those that had two papers."""

    papers: list[str] = field(default_factory=list)
    authors: set[str] = field(default_factory=set)
    number: int = 0
    former: list[int] = field(default_factory=list)


class People:
    """The authors with two papers or more among `papers`, which come oldest first.

    `only` limits them to these slugs. The time grows with the papers, not with their square.
    """

    def __init__(self, papers: Iterable[AuthoredPaper], only: Set[str] | None = None) -> None:
        self._persons: dict[str, list[Person]] = {}
        names_of = {paper.arxiv_id: _names(paper) for paper in papers}
        counts = Counter(name for names in names_of.values() for name in names)
        papers_of: dict[str, list[str]] = {}
        shared: dict[str, set[str]] = {}
        for arxiv_id, names in names_of.items():
            shared[arxiv_id] = {name for name in names if counts[name] > 1}
            for name in shared[arxiv_id]:
                if only is None or name in only:
                    papers_of.setdefault(name, []).append(arxiv_id)
        for name in sorted(papers_of):
            persons = _persons(name, papers_of[name], shared)
            if persons:
                self._persons[name] = persons
        self._keys: dict[tuple[str, str], str] = {}
        for name, persons in self._persons.items():
            for person in persons:
                self._keys.update({(arxiv_id, name): person.key for arxiv_id in person.papers})

    def __iter__(self) -> Iterator[Person]:
        for persons in self._persons.values():
            yield from persons

    def namesakes(self, person: Person) -> Sequence[Person]:
        """The other people of this name."""
        of_name = self._persons[person.name]
        return [other for other in of_name if other is not person]

    def keys(self, arxiv_id: str, names: Iterable[str]) -> Mapping[str, str]:
        """The key of each of a paper's authors who have two papers or more, by name."""
        found = {}
        for name in names:
            key = self._keys.get((arxiv_id, slug(name)))
            if key:
                found[name] = key
        return found


def _names(paper: AuthoredPaper) -> Set[str]:
    """The slugs of a paper's authors. One that is there twice is left out: two people have it."""
    counts = Counter(slug(name) for name in paper.names if any(map(str.isalnum, name)))
    return {name for name, count in counts.items() if count == 1}


def _persons(name: str, papers: Sequence[str], authors_of: Mapping[str, Set[str]]) -> list[Person]:
    """The people of a name who have two papers or more, in the order in which they had them."""
    group_of: dict[str, _Group] = {}
    numbered = 0
    for arxiv_id in papers:
        # Whole sets at a time: a paper can have thousands of authors.
        authors = authors_of[arxiv_id]
        met = {group for group in map(group_of.get, authors) if group}
        if len(met) == 1:
            (group,) = met
        else:
            group = _merged(met)
            group_of.update(dict.fromkeys(group.authors, group))
        group.papers.append(arxiv_id)
        group.authors |= authors
        group_of.update(dict.fromkeys(authors, group))
        del group_of[name]  # it is on all of them, and joins none
        if len(group.papers) > 1 and not group.number:
            numbered += 1
            group.number = numbered
    found = {group.number: group for group in group_of.values() if group.number}
    place = {arxiv_id: number for number, arxiv_id in enumerate(papers)}
    persons = []
    for number, group in sorted(found.items()):
        former = [_key(name, earlier) for earlier in sorted(group.former)]
        persons.append(
            Person(_key(name, number), sorted(group.papers, key=place.__getitem__), former)
        )
    return persons


def _merged(groups: Collection[_Group]) -> _Group:
    """The groups as one, under the lowest number that any has; a new group if there are none."""
    merged = _Group()
    numbers = sorted(group.number for group in groups if group.number)
    if numbers:
        merged.number, *merged.former = numbers
    for group in groups:
        merged.papers += group.papers
        merged.authors |= group.authors
        merged.former += group.former
    return merged


def _key(name: str, number: int) -> str:
    """A slug has no underscore, so no other name has this key."""
    return name if number == 1 else f"{name}_{number}"
