"use strict";
// Everything shown is put in as text, never as markup: the document and the answers are only data.
const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") for (const [event, run] of Object.entries(value)) element.addEventListener(event, run);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
};
// What stands between backticks is code.
const prose = (text) => (text || "").split("`").map((part, at) => (at % 2 ? make("code", {}, part) : part));
const byId = (id) => document.getElementById(id);
const VERBS = ["get", "put", "post", "delete", "patch"];
// The most of an answer that is shown: a stream may have no end.
const SHOWN = 256 * 1024;
let api;

const resolve = (item) => {
  if (!item || !item.$ref) return item || {};
  const { $ref, ...beside } = item;
  const target = $ref.slice(2).split("/").reduce((at, key) => at[key.replace(/~1/g, "/").replace(/~0/g, "~")], api);
  return { ...target, ...beside };
};
const nameOf = (schema) => (schema && schema.$ref ? schema.$ref.split("/").pop() : undefined);

const kindOf = (schema) => {
  const full = resolve(schema);
  if (full.type === "array") return `list of ${kindOf(full.items)}`;
  if (full.anyOf && !full.type) return full.anyOf.map(kindOf).join(" or ");
  const kind = nameOf(schema) || [full.type || (full.enum ? "one of" : "any")].flat().join(" or ");
  return full.format ? `${kind} (${full.format})` : kind;
};
const limitsOf = (schema) => {
  const full = resolve(schema);
  const said = ["minimum", "maximum", "minLength", "maxLength", "maxItems", "pattern"]
    .filter((key) => full[key] !== undefined).map((key) => `${key} ${full[key]}`);
  if (full.enum) said.push(full.enum.filter((value) => typeof value === "string").join(", "));
  return said.join(" · ");
};
const labelOf = (label, lead = "") => label && make("span", { class: "tag", title: "how sensitive it is" },
  lead + [label.sensitivity, ...(label.categories || [])].join(" · ").toLowerCase());

// The members of a schema; what they hold opens on demand, so that a recursive one ends.
const tree = (schema) => {
  const full = resolve(schema);
  if (full.type === "array") return tree(full.items);
  const members = Object.entries(full.properties || {});
  if (!members.length) return undefined;
  return make("ul", { class: "tree" }, members.map(([name, member]) => {
    const item = resolve(member).type === "array" ? resolve(member).items : member;
    const head = [make("code", {}, name), make("span", { class: "kind" }, kindOf(member)), " ",
      (full.required || []).includes(name) ? "" : make("span", { class: "tag" }, "may be absent"), labelOf(member["x-strata-label"])];
    const about = [member.description && make("p", { class: "about" }, prose(member.description)),
      limitsOf(member) && make("p", { class: "about" }, limitsOf(member))];
    if (!resolve(item).properties) return make("li", {}, head, about);
    const inner = make("details", { on: { toggle: () => inner.childElementCount < 2 && inner.append(tree(item)) } }, make("summary", {}, head));
    return make("li", {}, inner, about);
  }));
};

const example = (schema, depth = 0) => {
  const full = resolve(schema);
  if (full.examples) return full.examples[0];
  if (full.enum) return full.enum[0];
  if (full.anyOf && !full.properties) return example(full.anyOf[0], depth);
  const kind = [full.type].flat()[0];
  if (kind === "object" && depth < 4) {
    return Object.fromEntries(Object.entries(full.properties || {}).map(([name, member]) => [name, example(member, depth + 1)]));
  }
  if (kind === "array") return depth < 4 ? [example(full.items, depth + 1)] : [];
  return { integer: full.minimum > 0 ? full.minimum : 0, number: 0, boolean: false, string: full.format === "date-time" ? new Date().toISOString() : "" }[kind] ?? null;
};

const input = (parameter, id) => {
  const schema = resolve(parameter.schema);
  const choices = schema.enum || (schema.type === "boolean" && ["true", "false"]);
  if (choices) return make("select", { id }, make("option", { value: "" }, ""), choices.map((choice) => make("option", {}, choice)));
  return make("input", { id, spellcheck: "false", required: parameter.required, placeholder: (schema.examples || [])[0] || limitsOf(schema) });
};

const shell = (text) => `'${text.replace(/'/g, "'\\''")}'`;

async function readSome(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
    if (text.length > SHOWN) { await reader.cancel(); return `${text.slice(0, SHOWN)}\n… and more`; }
  }
}

const pretty = (kind, text) => {
  try { return /json$/.test(kind) && !/ndjson/.test(kind) ? JSON.stringify(JSON.parse(text), null, 2) : text; } catch { return text; }
};

async function send(verb, path, inputs, body, out, button) {
  let url = path;
  const query = new URLSearchParams();
  for (const { parameter, control } of inputs) {
    if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(control.value));
    else if (control.value !== "") {
      const many = resolve(parameter.schema).type === "array";
      for (const value of many ? control.value.split(",") : [control.value]) query.append(parameter.name, value.trim());
    }
  }
  if (query.size) url += `?${query}`;
  const headers = {};
  const token = byId("token").value.trim();
  if (token) headers.authorization = `Bearer ${token}`;
  if (body) headers["content-type"] = "application/json";
  const curl = ["curl", verb === "get" ? "" : `-X ${verb.toUpperCase()}`, token && '-H "authorization: Bearer $TOKEN"',
    body && "-H 'content-type: application/json'", body && `-d ${shell(body.value)}`, shell(location.origin + url)].filter(Boolean).join(" ");
  button.disabled = true;
  const begun = performance.now();
  try {
    const answer = await fetch(url, { method: verb.toUpperCase(), headers, body: body ? body.value : undefined, credentials: "omit", redirect: "error" });
    const text = await readSome(answer);
    const kind = answer.headers.get("content-type") || "";
    const shown = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    out.replaceChildren(
      make("p", { class: "status" }, make("strong", { class: answer.ok ? "good" : "bad" }, `${answer.status} ${answer.statusText}`),
        ` in ${Math.round(performance.now() - begun)} ms`),
      make("pre", { tabindex: "0", "aria-label": "Body of the answer" }, pretty(kind, text) || "(no content)"),
      make("details", {}, make("summary", {}, "Headers"), make("pre", {}, shown)),
      make("details", {}, make("summary", {}, "The same with curl"), make("pre", {}, curl)));
  } catch (error) {
    out.replaceChildren(make("p", { class: "status bad" }, `No answer: ${error.message}`), make("pre", {}, curl));
  } finally {
    button.disabled = false;
  }
}

function operation(verb, path, described) {
  const id = described.operationId;
  const inputs = (described.parameters || []).map((parameter) => ({ parameter, control: input(parameter, `${id}.${parameter.name}`) }));
  const fields = inputs.map(({ parameter, control }) => make("div", { class: "field" },
    make("label", { for: control.id }, parameter.name, parameter.required && make("span", { class: "required" }, " required")),
    make("div", {}, control, make("p", {}, prose([parameter.description, kindOf(parameter.schema), limitsOf(parameter.schema)].filter(Boolean).join(" · "))),
      labelOf(parameter["x-strata-label"]))));
  const schema = described.requestBody && described.requestBody.content["application/json"].schema;
  const body = schema && make("textarea", { id: `${id}.body`, rows: 7, spellcheck: "false" });
  if (body) body.value = JSON.stringify(example(schema), null, 2);
  const scopes = (described.security || []).flatMap((one) => Object.values(one).flat());
  const responses = Object.entries(described.responses).map(([status, reference]) => {
    const response = resolve(reference);
    const [kind, content] = Object.entries(response.content || {})[0] || [];
    const inner = make("details", { class: "status", on: { toggle: () => {
      if (inner.childElementCount > 1) return;
      inner.append(...[kind && make("p", { class: "about" }, kind), content && tree(content.schema)].filter(Boolean));
    } } }, make("summary", {}, make("strong", { class: status < 400 ? "good" : "bad" }, status), " ", prose(response.description)));
    return inner;
  });
  const out = make("div", { role: "status", "aria-live": "polite" });
  const button = make("button", { type: "submit" }, "Send");
  const form = make("form", { on: { submit: (event) => { event.preventDefault(); send(verb, path, inputs, body, out, button); } } },
    fields.length > 0 && [make("h3", {}, "Parameters"), make("div", { class: "fields" }, fields)],
    body && [make("h3", {}, "Body"), make("label", { for: body.id }, nameOf(schema) || "JSON"), body, tree(schema)],
    make("div", { class: "send" }, button), out);
  return make("details", { class: "operation", id },
    make("summary", {}, make("span", { class: `verb ${verb}` }, verb), make("span", { class: "path" }, path), make("span", { class: "summary" }, described.summary || "")),
    make("div", { class: "inside" }, make("p", {}, prose(described.description)),
      make("p", {}, described.deprecated && make("span", { class: "tag bad" }, `deprecated after ${described["x-strata-deprecated-after"]}${described["x-strata-sunset"] ? `, gone from ${described["x-strata-sunset"]}` : ""}`),
        scopes.map((scope) => make("span", { class: "tag", title: "scope the token needs" }, `scope ${scope}`)), labelOf(described["x-strata-ceiling"], "at most ")),
      form, make("h3", {}, "Answers"), responses));
}

const open = () => { const at = byId(decodeURIComponent(location.hash.slice(1))); if (at && at.tagName === "DETAILS") at.open = true; };

async function show() {
  const answer = await fetch("openapi.json", { credentials: "omit" });
  if (!answer.ok) throw new Error(`openapi.json answered ${answer.status}`);
  api = await answer.json();
  document.title = api.info.title;
  byId("title").replaceChildren(api.info.title, make("small", {}, api.info.version));
  byId("owner").textContent = `OpenAPI ${api.openapi} · owner ${api.info.contact.name}`;
  byId("about").replaceChildren(...prose(api.info.description));
  const all = Object.entries(api.paths).flatMap(([path, verbs]) => VERBS.filter((verb) => verbs[verb]).map((verb) => [verb, path, verbs[verb]]));
  byId("index").replaceChildren(...all.map(([verb, , described]) => make("li", {},
    make("a", { href: `#${described.operationId}` }, make("span", { class: `verb ${verb}` }, verb), described.operationId))));
  byId("operations").replaceChildren(...all.map((one) => operation(...one)));
  addEventListener("hashchange", open);
  open();
}
byId("access").addEventListener("submit", (event) => event.preventDefault());
show().catch((error) => { byId("loading").textContent = `The document cannot be read: ${error.message}`; });
