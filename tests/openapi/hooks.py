"""What a document cannot say in a schema, said to schemathesis."""

import json

import schemathesis

LINES = "application/x-ndjson"


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """A page token is opaque: only the API makes one that it takes, and an empty one is the first
    page. That others are refused is tested in tests/e2e/paging.rs and tests/e2e/problems.rs."""
    for path in raw_schema["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                label = parameter.get("x-strata-label", {})
                if label.get("kind") == "page_token":
                    parameter["schema"]["maxLength"] = 0


@schemathesis.hook("before_load_schema")
def lines_as_a_list(context, raw_schema):
    """OpenAPI 3.1 has no schema for lines of JSON: the document's is that of one line. Here the answer
    is read as the list of its lines."""
    for path in raw_schema["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                content = response.get("content", {}).get(LINES)
                if content:
                    content["schema"] = {"type": "array", "items": content["schema"]}


@schemathesis.deserializer(LINES)
def read_lines(context, response):
    return [json.loads(line) for line in response.text.splitlines()]
