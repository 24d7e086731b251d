"""A gRPC client that nothing of Strata is in: grpcio, with stubs made from the contracts.

Reads one plan (JSON) from stdin, makes its calls one after another, and writes what came of each to
stdout as a JSON list: {"messages": [...]} or {"code": ..., "details": ...}.
"""

import importlib
import json
import pathlib
import sys
import tempfile

import grpc
import grpc_tools
from google.protobuf import json_format
from grpc_tools import protoc


def stubs(protos, file, folder):
    """The modules of a contract and of the annotations it imports."""
    includes = [protos, f"{protos}/options", f"{pathlib.Path(grpc_tools.__file__).parent}/_proto"]
    arguments = ["protoc", *(f"-I{folder}" for folder in includes)]
    arguments += [f"--python_out={folder}", f"--grpc_python_out={folder}"]
    if protoc.main([*arguments, "strata/options/v1/options.proto", file]) != 0:
        raise SystemExit(f"{file} does not compile")
    sys.path.insert(0, folder)
    module = file.removesuffix(".proto").replace("-", "_").replace("/", ".")
    return (importlib.import_module(module + suffix) for suffix in ("_pb2", "_pb2_grpc"))


def read(file):
    return pathlib.Path(file).read_bytes() if file else None


def ask(stub, messages, call, plan):
    request = json_format.ParseDict(call["request"], getattr(messages, call["message"])())
    method = getattr(stub, call["method"])
    answer = method(request, timeout=plan["timeout"], metadata=list(plan["metadata"].items()))
    answers = answer if call["streams"] else [answer]
    return {"messages": [json_format.MessageToDict(message) for message in answers]}


def main():
    plan = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        messages, services = stubs(plan["protos"], plan["file"], folder)
    credentials = grpc.ssl_channel_credentials(
        read(plan["roots"]), read(plan["key"]), read(plan["certificate"])
    )
    # grpcio compares the certificate's DNS names alone and has no hook for another check. So who is
    # called follows from two things: the CA, which is of one layer, and the name, which is of one
    # service of that layer.
    options = [("grpc.ssl_target_name_override", plan["name"])]
    with grpc.secure_channel(plan["address"], credentials, options) as channel:
        stub = getattr(services, plan["service"] + "Stub")(channel)
        outcomes = []
        for call in plan["calls"]:
            try:
                outcomes.append(ask(stub, messages, call, plan))
            except grpc.RpcError as error:
                outcomes.append({"code": error.code().name, "details": error.details()})
    json.dump(outcomes, sys.stdout)


main()
