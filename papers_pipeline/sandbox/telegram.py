"""As much of Telegram's Bot API as a channel needs: https://core.telegram.org/bots/api.

Any token that looks like one is accepted, and every chat exists. The world keeps the posts.
"""

from html.parser import HTMLParser
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from papers_pipeline.sandbox.world import Post, World

LONGEST_TEXT = 4096
TAGS = {"a", "b", "i", "u", "s", "code", "pre", "blockquote"}
"""The tags of its HTML that are of use here."""


class Refused(Exception):
    """A request that Telegram answers with 400; the message is its description."""


def routes(world: World) -> list[Route]:
    """The methods of all bots."""

    async def method(request: Request) -> Response:
        token, name = request.path_params["token"], request.path_params["method"]
        world.asked[f"telegram {name}"] += 1
        if ":" not in token:
            return _refusal(401, "Unauthorized")
        given = await request.json()
        try:
            if name == "sendMessage":
                result: Any = _send(world, given)
            elif name == "editMessageText":
                result = _edit(world, given)
            elif name == "deleteMessage":
                result = _delete(world, given)
            else:
                return _refusal(404, "Not Found")
        except Refused as error:
            return _refusal(400, f"Bad Request: {error}")
        return JSONResponse({"ok": True, "result": result})

    return [Route("/bot{token}/{method}", method, methods=["POST"])]


def visible_text(html: str) -> str:
    """What a reader sees of a post. Raises Refused if Telegram could not parse it."""
    parser = _Post()
    parser.feed(html)
    parser.close()
    if parser.open:
        raise Refused(f"can't parse entities: can't find end tag of {parser.open[-1]}")
    return "".join(parser.text)


def _send(world: World, given: dict[str, Any]) -> dict[str, Any]:
    post = Post(str(given["chat_id"]), len(world.posts) + 1, [_accepted(given)])
    world.posts.append(post)
    return _message(post)


def _edit(world: World, given: dict[str, Any]) -> dict[str, Any]:
    post = _found(world, given, "edit")
    text = _accepted(given)
    if text == post.text:
        raise Refused("message is not modified")
    post.versions.append(text)
    return _message(post)


def _delete(world: World, given: dict[str, Any]) -> bool:
    _found(world, given, "delete").is_deleted = True
    return True


def _accepted(given: dict[str, Any]) -> str:
    """The text of a post, if Telegram would accept it."""
    text: str = given["text"]
    if given.get("parse_mode") != "HTML":
        raise Refused("this sandbox knows HTML only")
    visible = visible_text(text)
    if not visible.strip():
        raise Refused("message text is empty")
    if len(visible.encode("utf-16-le")) > 2 * LONGEST_TEXT:
        raise Refused("message is too long")
    return text


def _found(world: World, given: dict[str, Any], purpose: str) -> Post:
    for post in world.posts:
        is_named = (post.chat, post.id) == (str(given["chat_id"]), given["message_id"])
        if is_named and not post.is_deleted:
            return post
    raise Refused(f"message to {purpose} not found")


def _message(post: Post) -> dict[str, Any]:
    return {"message_id": post.id, "chat": {"id": post.chat}, "text": post.text}


def _refusal(status: int, description: str) -> Response:
    document = {"ok": False, "error_code": status, "description": description}
    return JSONResponse(document, status)


class _Post(HTMLParser):
    """Reads the text of a post, and which tags are open."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise Refused(f'can\'t parse entities: unsupported start tag "{tag}"')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Refused(f'can\'t parse entities: unexpected end tag "{tag}"')

    def handle_data(self, data: str) -> None:
        self.text.append(data)
