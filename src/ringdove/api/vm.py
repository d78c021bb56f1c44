"""`vm/…`: messages in mailboxes."""

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import Query, Request
from pydantic import BaseModel, Field

from ringdove.api.auth import family
from ringdove.api.crud import existing, named, wanted
from ringdove.api.documentation import takes
from ringdove.api.download import Link, PlayLink, link, play_link
from ringdove.api.envelope import Done, Failure, One, PageOf
from ringdove.api.errors import Refusal
from ringdove.api.form import LIBERAL_INT, Broken, ById, ByIds, Fields, Flag, Form, good
from ringdove.api.listing import ListQuery
from ringdove.api.routing import Body
from ringdove.api.services import Injected, Services
from ringdove.model.rules import Number, ObjectId, refuse
from ringdove.model.voicemail import Mailbox, MailboxKind, Message
from ringdove.store.owners import Owner

router = family("vm")

_MAILBOX = ("ext_id", "group_id", "number")
_MAX_MAILBOXES = 20

SortBy = Annotated[Literal["id", "caller", "time", "duration", "read"], Field(description="What to sort by.")]


def _same_id(data: Fields) -> Fields:
    """Take `msg_id` for `id`, as some pages of the public interface have it."""
    return data if "id" in data or "msg_id" not in data else data | {"id": data["msg_id"]}


class MessageId(ById):
    """Names one message; `msg_id` does as well."""

    @classmethod
    def relevant(cls, data: Fields) -> Fields:
        """Take one name for the other."""
        return _same_id(data)


class MessageOrMailbox(ListQuery):
    """Names one message; or the mailbox whose messages are wanted, and which part of them."""

    id: Annotated[ObjectId, LIBERAL_INT] | None = Field(None, description="The unique id of the message, or:")
    number: Number | None = Field(
        None, description="The number of an extension or group voicemail; all its messages are answered then."
    )
    sort_by: SortBy = "id"

    @classmethod
    def relevant(cls, data: Fields) -> Fields:
        """Take one name for the other."""
        return _same_id(data)

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """Exactly one of them is needed."""
        named = [name for name in ("id", "number") if name in data]
        if not named:
            yield Broken(("id",), refuse("required", "a message"))
        for name in named[1:]:
            yield Broken((name,), refuse("exclusive", "one of id and number"))


class MessageIds(ByIds):
    """Names several messages; `id` and `msg_id` do as well."""

    @classmethod
    def relevant(cls, data: Fields) -> Fields:
        """Take one name for the other."""
        return super().relevant(_same_id(data))


class MessageList(ListQuery):
    """Whose messages, and which part of them."""

    ext_id: Annotated[ObjectId, LIBERAL_INT] | None = Field(None, description="The id of the extension, or:")
    group_id: Annotated[ObjectId, LIBERAL_INT] | None = Field(None, description="The id of the group voicemail, or:")
    number: str | None = Field(
        None,
        max_length=1_000,
        pattern=r"^\s*[0-9]{1,7}\s*(,\s*[0-9]{1,7}\s*)*$",
        description="The number of either; several are separated by commas, and each has its own pages.",
        examples=["1001,6400"],
    )
    read: Flag | None = Field(None, description="Only messages that were listened to (1), or that were not (0).")
    sort_by: SortBy = "id"

    @classmethod
    def conditions(cls, data: Fields) -> Iterator[Broken]:
        """Exactly one of the three says whose."""
        named = [name for name in _MAILBOX if name in data]
        if not named:
            yield Broken(("ext_id",), refuse("required", "an extension or a group voicemail"))
        for name in named[1:]:
            yield Broken((name,), refuse("exclusive", "one of ext_id, group_id and number"))

    async def owners(self, services: Services) -> list[Owner]:
        """Return whose messages are wanted. Raises Refusal where there is no such mailbox."""
        known = services.store.owners
        if self.number is not None:
            numbers = list(dict.fromkeys(number.strip() for number in self.number.split(",")))
            if len(numbers) > _MAX_MAILBOXES:
                raise Refusal.parameter("number", "length")
            found, field = [await known.find(number) for number in numbers], "number"
        elif self.ext_id is not None:
            found, field = [await known.get(Mailbox(MailboxKind.EXTENSION, self.ext_id))], "ext_id"
        else:
            found, field = [await known.get(Mailbox(MailboxKind.GROUP, self.group_id or 0))], "group_id"
        owners = [owner for owner in found if owner]
        if len(owners) < len(found):
            raise Refusal.parameter(field, "exist")
        return owners


class MessageForm(Form):
    """What can be changed of a message."""

    id: Annotated[ObjectId, LIBERAL_INT] = Field(description="The unique id of the message.")
    read: Flag = Field(description="Whether it was listened to: 0 no, 1 yes. `vm_status` does as well.")

    @classmethod
    def relevant(cls, data: Fields) -> Fields:
        """Take one name for the other."""
        data = _same_id(data)
        return data if "read" in data or "vm_status" not in data else data | {"read": data["vm_status"]}


class MessageRow(BaseModel):
    """A message."""

    id: int
    caller: str = Field(description="The number of who left it.")
    caller_name: str
    time: int = Field(description="When it came, in Unix seconds.")
    duration: float = Field(description="Seconds.")
    read: int = Field(description="Whether it was listened to: 0 no, 1 yes.")
    size: int = Field(description="Octets of the WAV.")
    call_id: str = Field(description="The call in which it was left, for `calls/get`.")
    file_name: str = Field(description="What the WAV is called when it is fetched.")
    msg_id: str = Field(description="The same as `id`.")
    is_read: int = Field(description="The same as `read`.")
    number: str = Field(description="The same as `caller`.")
    name: str = Field(description="The same as `caller_name`.")


class UndeliveredNumbers(BaseModel):
    """How many messages are in no mailbox."""

    waiting: int = Field(description="They are on their way, or wait for the disk or the database.")
    set_aside: int = Field(description="They cannot be delivered, and wait in the data folder for somebody to look.")


class MailboxRows(BaseModel):
    """The messages of one mailbox."""

    number: str = Field(description="The number of the extension or group voicemail.")
    total_number: int = Field(description="How many match in this mailbox, on all pages together.")
    data: list[MessageRow]


class Messages(PageOf[MessageRow]):
    """Success, with one page of the messages of every mailbox asked for: one after the other, and by mailbox."""

    voicemail_list: list[MailboxRows] = Field(description="The same, by mailbox.")


@router.get("/query", response_model=Messages | Failure)
async def query(query: Annotated[MessageList, Query()], services: Injected) -> Messages:
    """List the messages of an extension or of a group voicemail in mode `share`."""
    mailboxes = [await _mailbox(owner, query, services) for owner in await query.owners(services)]
    return Messages(
        total_number=sum(one.total_number for one in mailboxes),
        data=[row for one in mailboxes for row in one.data],
        voicemail_list=mailboxes,
    )


@router.get("/get", response_model=One[MessageRow] | PageOf[MessageRow] | Failure)
async def get(query: Annotated[MessageOrMailbox, Query()], services: Injected) -> One[MessageRow] | PageOf[MessageRow]:
    """Tell about one message or, with `number` as the public interface has it, about those of one mailbox."""
    if query.id is not None:
        return One(data=_row(existing(await services.store.messages.get(query.id))))
    owner = await services.store.owners.find(query.number or "")
    if owner is None:
        raise Refusal.parameter("number", "exist")
    total, found = await services.store.messages.page(owner.mailbox, query.listing())
    return PageOf(total_number=total, data=[_row(message) for message in found])


@router.get("/undelivered", response_model=One[UndeliveredNumbers] | Failure)
async def undelivered(services: Injected) -> One[UndeliveredNumbers]:
    """Tell how many messages are in no mailbox: a few seconds after each call there should be none."""
    return One(data=UndeliveredNumbers(**services.undelivered()._asdict()))


@router.get("/download", response_model=Link | Failure)
async def download(query: Annotated[MessageId, Query()], request: Request, services: Injected) -> Link:
    """Tell where to fetch the WAV of a message: within 30 minutes, with the same `access_token`.

    The message does not count as listened to for that.
    """
    return link(await named(query, services.store.messages.get), request, services)


@router.get("/play", response_model=PlayLink | Failure)
async def play(query: Annotated[MessageId, Query()], request: Request, services: Injected) -> PlayLink:
    """Tell where to hear a message: within 30 minutes, with the same `access_token`."""
    return play_link(await named(query, services.store.messages.get), request, services)


@router.post("/update", response_model=Done | Failure, openapi_extra=takes(MessageForm))
async def update(body: Body, services: Injected) -> Done:
    """Say that a message was listened to, or was not."""
    form = good(MessageForm, body)
    existing(await services.mailboxes.mark(form.id, bool(form.read)))
    return Done()


@router.get("/delete", response_model=Done | Failure)
async def delete(query: Annotated[MessageIds, Query()], services: Injected) -> Done:
    """Delete messages: all of them, or none where one does not exist."""
    found = await wanted(query, services.store.messages.many)
    await services.mailboxes.delete(message.id for message in found)
    return Done()


async def _mailbox(owner: Owner, query: MessageList, services: Services) -> MailboxRows:
    read = None if query.read is None else bool(query.read)
    total, found = await services.store.messages.page(owner.mailbox, query.listing(), read=read)
    return MailboxRows(number=owner.number, total_number=total, data=[_row(message) for message in found])


def _row(message: Message) -> MessageRow:
    return MessageRow(
        id=message.id,
        caller=message.caller_number,
        caller_name=message.caller_name,
        time=int(message.time),
        duration=round(message.seconds, 3),
        read=int(message.read),
        size=message.size,
        call_id=message.call_id,
        file_name=message.file,
        msg_id=str(message.id),
        is_read=int(message.read),
        number=message.caller_number,
        name=message.caller_name,
    )
