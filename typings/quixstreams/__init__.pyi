from collections.abc import Callable
from typing import Any, Literal

class Topic: ...

class StreamingDataFrame:
    def update(self, func: Callable[[Any], object]) -> StreamingDataFrame: ...

class Application:
    def __init__(
        self,
        broker_address: str,
        *,
        consumer_group: str,
        auto_offset_reset: Literal["earliest", "latest", "error"],
        auto_create_topics: bool,
        loglevel: str,
    ) -> None: ...
    def topic(self, name: str, *, value_deserializer: str) -> Topic: ...
    def dataframe(self, topic: Topic) -> StreamingDataFrame: ...
    def run(self) -> None: ...
