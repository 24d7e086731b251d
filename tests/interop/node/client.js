// A gRPC client that nothing of Strata is in: grpc-js, with the contracts as they are.
//
// Reads one plan (JSON) from stdin, makes its calls one after another, and writes what came of each
// to stdout as a JSON list: {"messages": [...]} or {"code": ..., "details": ...}.
"use strict";

const fs = require("node:fs");
const tls = require("node:tls");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const read = (file) => (file === null ? null : fs.readFileSync(file));

function clientOf(plan) {
  const definition = loader.loadSync(plan.file, {
    includeDirs: [plan.protos, `${plan.protos}/options`],
    longs: String,
    enums: String,
  });
  const contract = grpc.loadPackageDefinition(definition);
  const Service = plan.package.split(".").reduce((part, name) => part[name], contract)[plan.service];
  const credentials = grpc.credentials.createSsl(
    read(plan.roots),
    read(plan.key),
    read(plan.certificate),
    { checkServerIdentity: (name, certificate) => identity(plan, name, certificate) },
  );
  return new Service(plan.address, credentials, { "grpc.ssl_target_name_override": plan.name });
}

// The name, as everywhere, and then who it is: the one URI in the certificate (X509-SVID, section 2).
function identity(plan, name, certificate) {
  const uris = (certificate.subjectaltname ?? "")
    .split(", ")
    .filter((entry) => entry.startsWith("URI:"));
  if (uris.length !== 1 || uris[0] !== `URI:${plan.id}`) {
    return new Error(`${plan.address} is not ${plan.id}`);
  }
  return tls.checkServerIdentity(name, certificate);
}

function ask(client, call, plan) {
  const metadata = new grpc.Metadata();
  Object.entries(plan.metadata).forEach(([name, value]) => metadata.set(name, value));
  const options = { deadline: Date.now() + plan.timeout * 1000 };
  return new Promise((resolve) => {
    const failed = ({ code, details }) => resolve({ code: grpc.status[code], details });
    if (!call.streams) {
      client[call.method](call.request, metadata, options, (error, message) =>
        error ? failed(error) : resolve({ messages: [message] }),
      );
      return;
    }
    const messages = [];
    const stream = client[call.method](call.request, metadata, options);
    stream.on("data", (message) => messages.push(message));
    stream.on("error", failed);
    stream.on("end", () => resolve({ messages }));
  });
}

async function main() {
  const plan = JSON.parse(fs.readFileSync(0));
  const client = clientOf(plan);
  const outcomes = [];
  for (const call of plan.calls) {
    outcomes.push(await ask(client, call, plan));
  }
  client.close();
  process.stdout.write(JSON.stringify(outcomes));
}

main();
