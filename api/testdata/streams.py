"""What schemathesis cannot make up by itself: Arrow streams. Whole ones, whole ones
cut short or with one byte altered, and bytes that are none. ARROW_STREAM names a file
with a good one."""

import os

import schemathesis
from hypothesis import strategies as st

with open(os.environ["ARROW_STREAM"], "rb") as file:
    whole = file.read()
where = st.integers(0, len(whole) - 1)
streams = st.one_of(
    st.just(whole),
    where.map(lambda n: whole[:n]),
    st.tuples(where, st.integers(0, 255)).map(lambda at: whole[: at[0]] + bytes([at[1]]) + whole[at[0] + 1 :]),
    st.binary(max_size=2000),
)
schemathesis.openapi.media_type("application/vnd.apache.arrow.stream", streams)
