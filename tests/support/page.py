"""A client that inspects every page it is given: strict HTML, one heading, labelled inputs, nothing inline."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
UNLABELLED = frozenset({"hidden", "submit", "button"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(slots=True)
class Node:
    """An element with its attributes, its children and the text directly in it and below."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def all(self, *tags: str) -> list[Node]:
        """Every element below with one of these tags, in order."""
        found = []
        for child in self.children:
            found += [child] if child.tag in tags else []
            found += child.all(*tags)
        return found

    @property
    def text(self) -> str:
        """All text below, white space collapsed."""
        return " ".join("".join(self.texts).split())


class _Parser(HTMLParser):
    """Builds the tree; a tag closed out of turn or left open is an error."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("#root")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}> at {self.getpos()}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for node in self._open:
            node.texts.append(data)

    def finish(self) -> Node:
        self.close()
        assert len(self._open) == 1, f"<{self._open[-1].tag}> is never closed"
        return self.root


@dataclass(slots=True)
class Page:
    """One answer: its response and, for HTML, its tree."""

    response: TestResponse
    tree: Node

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def heading(self) -> str:
        """The text of the only <h1>."""
        return self.tree.all("h1")[0].text

    @property
    def text(self) -> str:
        return self.tree.text

    def links(self) -> dict[str, str]:
        """Addresses by the text of their link."""
        return {link.text: link.attributes["href"] for link in self.tree.all("a")}

    def form(self, action: str) -> dict[str, str]:
        """What a browser would post of the form with this action, nothing changed."""
        found = [node for node in self.tree.all("form") if node.attributes["action"] == action]
        assert found, f"no form posts to {action}"
        return _values(found[0])


def parse(html: str) -> Node:
    """The tree of strict HTML."""
    parser = _Parser()
    parser.feed(html)
    return parser.finish()


def inspect(tree: Node) -> None:
    """Assert what holds for every page and fragment."""
    ids = [node.attributes["id"] for node in _everything(tree) if "id" in node.attributes]
    assert len(ids) == len(set(ids)), f"ids are used twice: {sorted({i for i in ids if ids.count(i) > 1})}"
    for node in _everything(tree):
        inline = [name for name in node.attributes if name == "style" or name.startswith(("on", "hx-on"))]
        assert not inline, f"<{node.tag}> has {inline}"
        assert node.tag != "style", "there is an inline <style>"
        assert node.tag != "script" or ("src" in node.attributes and not node.text), "there is an inline <script>"
    for form in tree.all("form"):
        assert form.attributes.get("action"), "a form has no action"
        assert form.attributes.get("method") in ("get", "post"), "a form has no method"
        assert form.attributes["method"] == "get" or "csrf_token" in _values(form), "a form has no CSRF field"
    labelled = {label.attributes.get("for") for label in tree.all("label")}
    for control in tree.all("input", "select", "textarea"):
        if control.attributes.get("type") not in UNLABELLED:
            assert control.attributes.get("id") in labelled, f"no label is for {control.attributes}"
    for control in tree.all("button", "a"):
        assert control.text or control.attributes.get("aria-label"), f"a control has no name: {control.attributes}"


def inspect_page(tree: Node) -> None:
    """Assert what holds for a whole page besides."""
    inspect(tree)
    headings = tree.all("h1")
    assert len(headings) == 1, f"there are {len(headings)} <h1>"
    title = tree.all("title")[0].text.removesuffix(" · Callsheet")
    # The heading may go on with a badge.
    assert headings[0].text.startswith(title), f"the title is {title!r}, the heading {headings[0].text!r}"


HTMX = {"HX-Request": "true"}


class Visitor:
    """A browser without script: keeps cookies, follows redirects after a post, inspects what it is shown."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, path: str, status: int = 200, headers: dict[str, str] | None = None) -> Page:
        """Fetch and inspect; redirects are not followed, so that tests see them."""
        return self._page(self.client.get(path, headers=headers), status)

    def submit(self, page: Page, action: str, status: int = 200, **values: Any) -> Page:
        """Post a form of the page with these values changed, and follow where it leads."""
        return self.post(action, {**page.form(action), **values}, status)

    def post(self, path: str, data: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Page:
        """Post, and follow a redirect once."""
        response = self.client.post(path, data=data, headers=headers)
        if response.status_code in REDIRECTS and status not in REDIRECTS:
            return self.get(response.headers["Location"], status)
        return self._page(response, status)

    def _page(self, response: TestResponse, status: int) -> Page:
        assert response.status_code == status, (response.status_code, response.text[:2000])
        if response.status_code in REDIRECTS or response.mimetype != "text/html" or not response.text:
            return Page(response, Node("#root"))
        tree = parse(response.text)
        whole = response.text.lstrip().startswith("<!doctype html>")
        (inspect_page if whole else inspect)(tree)
        return Page(response, tree)


def _everything(node: Node) -> list[Node]:
    return [found for child in node.children for found in (child, *_everything(child))]


def _values(form: Node) -> dict[str, str]:
    values = {}
    for control in form.all("input"):
        kind = control.attributes.get("type", "text")
        if kind not in ("checkbox", "radio") or "checked" in control.attributes:
            values[control.attributes["name"]] = control.attributes.get("value", "")
    values |= {area.attributes["name"]: area.text for area in form.all("textarea")}
    for choice in form.all("select"):
        options = choice.all("option")
        chosen = [option for option in options if "selected" in option.attributes] or options[:1]
        values[choice.attributes["name"]] = chosen[0].attributes["value"] if chosen else ""
    return values
