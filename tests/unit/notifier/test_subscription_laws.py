"""Whatever phones and the world do, and in whichever order, the laws of RFC 6665 hold."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from ringdove.notifier.package import Topic
from ringdove.notifier.subscriptions import Action, Ending, Notify, Over, Read, Subscriptions
from ringdove.sip.dialog import DialogId

TOPICS = [Topic("message-summary", number) for number in (1, 2)]
PER_OWNER = 3


class Told(RuleBasedStateMachine):
    """A notifier's memory beside what an onlooker makes of its actions."""

    ids: Bundle[DialogId] = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.all = Subscriptions(per_owner=PER_OWNER)
        self.now = 0.0
        self.count = 0
        self.world: dict[Topic, int] = dict.fromkeys(TOPICS, 0)
        self.topics: dict[DialogId, Topic] = {}
        self.owners: dict[DialogId, int] = {}
        self.expires: dict[DialogId, float] = {}
        self.under_way: dict[DialogId, Notify] = {}
        self.known: dict[DialogId, object] = {}
        self.terminated: set[DialogId] = set()
        self.over: set[DialogId] = set()

    def see(self, actions: list[Action]) -> None:
        """Do as the shell does; states are read at once."""
        for action in actions:
            match action:
                case Read(topic):
                    self.see(self.all.learn(topic, self.world[topic], self.now))
                case Notify(id_, topic, state, standing):
                    assert id_ not in self.under_way, "two at a time"
                    assert id_ not in self.terminated, "after its end"
                    assert id_ not in self.over
                    assert topic == self.topics[id_]
                    assert state == self.world[topic], "not the newest"
                    if standing.startswith("terminated"):
                        self.terminated.add(id_)
                    else:
                        left = int(standing.removeprefix("active;expires="))
                        assert 0 <= left <= self.expires[id_] - self.now
                    self.under_way[id_] = action
                case Over(id_, lost):
                    assert lost is None or id_ not in self.terminated
                    assert id_ not in self.over, "twice"
                    assert id_ not in self.under_way
                    self.over.add(id_)

    @rule(target=ids, owner=st.integers(1, 2), topic=st.sampled_from(TOPICS), seconds=st.sampled_from([0, 60, 600]))
    def begin(self, owner: int, topic: Topic, seconds: int) -> DialogId:
        self.count += 1
        id_ = DialogId(str(self.count), "a", "b")
        self.topics[id_], self.owners[id_], self.expires[id_] = topic, owner, self.now + seconds
        self.see(self.all.begin(id_, owner, topic, seconds, self.now))
        assert id_ in self.under_way, "its first NOTIFY comes at once"
        return id_

    @rule(id_=ids, seconds=st.sampled_from([0, 60, 600]))
    def refresh(self, id_: DialogId, seconds: int) -> None:
        if self.all.is_live(id_):
            self.expires[id_] = self.now + seconds
            self.see(self.all.refresh(id_, seconds, self.now))
            assert id_ in self.under_way

    @rule(topic=st.sampled_from(TOPICS), state=st.integers(0, 2))
    def change(self, topic: Topic, state: int) -> None:
        self.world[topic] = state
        self.see(self.all.learn(topic, state, self.now))

    @rule(id_=ids, status=st.sampled_from([200, 200, 200, 408, 481, 500]))
    def answer(self, id_: DialogId, status: int) -> None:
        notify = self.under_way.pop(id_, None)
        if notify is not None and status == 200:
            self.known[id_] = notify.state
        elif notify is not None:
            self.known.pop(id_, None)
        self.see(self.all.answered(id_, status, self.now))
        if notify is not None and status in (408, 481):
            assert id_ in self.over

    @rule(seconds=st.sampled_from([1.0, 30.0, 90.0, 700.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.see(self.all.tick(self.now))
        for id_ in self.all:
            assert self.expires[id_] > self.now

    @rule(id_=consumes(ids))
    def deactivate(self, id_: DialogId) -> None:
        self.see(self.all.end(id_, Ending.DEACTIVATED, self.now))
        assert not self.all.is_live(id_)

    @rule(owner=st.integers(1, 2))
    def lose_extension(self, owner: int) -> None:
        self.see(self.all.end_all_of(owner, self.now))
        assert not any(self.owners[id_] == owner for id_ in self.all)

    @invariant()
    def nobody_is_left_with_an_old_state(self) -> None:
        for id_ in self.all:
            if id_ not in self.under_way and id_ in self.known:
                assert self.known[id_] == self.world[self.topics[id_]]

    @invariant()
    def what_ends_is_under_way_or_over(self) -> None:
        live = set(self.all)
        for id_ in self.topics.keys() - self.over - live:
            assert id_ in self.under_way

    @invariant()
    def there_are_never_too_many(self) -> None:
        for owner in (1, 2):
            assert sum(self.owners[id_] == owner for id_ in self.all) <= PER_OWNER
        assert len(self.all) == len(self.topics.keys() - self.over)

    def teardown(self) -> None:
        """When all have hung up, nothing is left."""
        for id_ in list(self.topics):
            self.see(self.all.end(id_, Ending.DEACTIVATED, self.now))
        while self.under_way:
            id_, _ = self.under_way.popitem()
            self.see(self.all.answered(id_, 200, self.now))
        assert len(self.all) == 0
        assert self.over == self.topics.keys()


TestTold = Told.TestCase
TestTold.settings = settings(max_examples=100, stateful_step_count=40)


@given(st.integers(1, 400))
@settings(max_examples=20)
def test_refreshes_leave_no_trace(times: int) -> None:
    subscriptions = Subscriptions()
    id_ = DialogId("1", "a", "b")
    subscriptions.begin(id_, 1, TOPICS[0], 60, 0.0)
    for second in range(times):
        subscriptions.refresh(id_, 60, float(second))
    assert len(subscriptions._expiries) <= 4 + 64 + 1
