// Shows /openapi.json as a page, with a form to try each operation.

const REFERENCE = "#/components/schemas/";

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== ""));
  return made;
}

// Words between backticks are code.
function prose(name, text) {
  const parts = (text ?? "").split(/`([^`]+)`/);
  return element(name, { class: "said" }, ...parts.map((part, index) => (index % 2 ? element("code", {}, part) : part)));
}

function typeName(schema) {
  if (schema.$ref) return schema.$ref.slice(REFERENCE.length);
  if (schema.type === "array") return `list of ${typeName(schema.items)}`;
  if (typeof schema.additionalProperties === "object") return `map of ${typeName(schema.additionalProperties)}`;
  if (schema.format === "date-time") return "time";
  return schema.type ?? "any value";
}

function inner(schema) {
  if (schema.$ref) return schema.$ref.slice(REFERENCE.length);
  if (schema.items) return inner(schema.items);
  if (typeof schema.additionalProperties === "object") return inner(schema.additionalProperties);
  return undefined;
}

function schemaView(schemas, schema, open) {
  const name = inner(schema);
  if (name === undefined) return element("span", {}, typeName(schema));
  const view = element("details", {}, element("summary", {}, typeName(schema)));
  // Filled when opened: a message may contain itself.
  const fill = () => {
    if (view.childElementCount > 1) return;
    const found = schemas[name];
    if (found.enum) {
      view.append(prose("p", found.description), element("code", {}, found.enum.join("  ")));
      return;
    }
    const rows = Object.entries(found.properties).map(([field, part]) =>
      element(
        "tr",
        {},
        element("td", {}, field),
        element("td", {}, schemaView(schemas, part, false), prose("div", part.description)),
      ),
    );
    view.append(prose("p", found.description), element("table", {}, element("tbody", {}, ...rows)));
  };
  view.addEventListener("toggle", fill);
  if (open) {
    view.open = true;
    fill();
  }
  return view;
}

function tryForm(path, verb, operation) {
  const inputs = operation.parameters.map((parameter) => [parameter, element("input", { "aria-label": parameter.name })]);
  const body = operation.requestBody && element("textarea", { "aria-label": "Body", spellcheck: "false" });
  if (body) body.value = "{}";
  const output = element("pre", { hidden: "" });
  let running;
  const send = async () => {
    running?.abort();
    running = new AbortController();
    let address = path;
    const query = new URLSearchParams();
    for (const [parameter, input] of inputs) {
      if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value !== "") query.append(parameter.name, input.value);
    }
    if (query.size > 0) address += `?${query}`;
    output.hidden = false;
    output.textContent = `${verb} ${address}\n\n`;
    try {
      const answer = await fetch(address, {
        method: verb,
        body: body?.value,
        headers: body ? { "content-type": "application/json" } : {},
        signal: running.signal,
      });
      output.textContent += `${answer.status}\n`;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        text += value;
        output.append(value);
        if (output.textContent.length > 200_000) running.abort();
      }
      if (answer.headers.get("content-type") === "application/json") {
        output.textContent = `${verb} ${address}\n\n${answer.status}\n${JSON.stringify(JSON.parse(text), null, 2)}`;
      }
    } catch (error) {
      output.append(`\n${error.message}`);
    }
  };
  const rows = inputs.map(([parameter, input]) =>
    element("tr", {}, element("td", {}, parameter.name), element("td", {}, input)),
  );
  return element(
    "details",
    {},
    element("summary", {}, "Try it"),
    element("table", {}, element("tbody", {}, ...rows)),
    body,
    element("button", { type: "button", onclick: send }, "Send"),
    output,
  );
}

function operationView(schemas, path, verb, operation) {
  const parameters = operation.parameters.map((parameter) =>
    element(
      "tr",
      {},
      element("td", {}, parameter.name),
      element("td", {}, schemaView(schemas, parameter.schema, false), prose("div", parameter.description)),
    ),
  );
  const requestSchema = operation.requestBody?.content["application/json"].schema;
  const answers = operation.responses["200"].content;
  const [first] = Object.values(answers);
  return element(
    "article",
    { id: operation.operationId },
    element("h3", {}, operation.summary || operation.operationId),
    element("div", { class: "route" }, element("span", { class: `verb ${verb}` }, verb), path),
    prose("p", operation.description),
    parameters.length ? element("h4", {}, "Parameters") : "",
    parameters.length ? element("table", {}, element("tbody", {}, ...parameters)) : "",
    requestSchema ? element("h4", {}, "Body") : "",
    requestSchema ? schemaView(schemas, requestSchema, false) : "",
    element("h4", {}, `Answer (${Object.keys(answers).join(" or ")})`),
    schemaView(schemas, first.schema, false),
    element("h4", {}, ""),
    tryForm(path, verb, operation),
  );
}

async function show() {
  const contract = await (await fetch("/openapi.json")).json();
  const content = document.getElementById("content");
  const index = document.getElementById("index");
  const entries = [];
  content.replaceChildren(
    element("h1", {}, `${contract.info.title} ${contract.info.version}`),
    prose("p", contract.info.description),
  );
  for (const tag of contract.tags) {
    const list = element("ul");
    const section = element("section", { class: "service" }, element("h2", {}, tag.name), prose("p", tag.description));
    for (const [path, verbs] of Object.entries(contract.paths)) {
      for (const [verb, operation] of Object.entries(verbs)) {
        if (!operation.tags.includes(tag.name)) continue;
        section.append(operationView(contract.components.schemas, path, verb.toUpperCase(), operation));
        const entry = element("li", {}, element("a", { href: `#${operation.operationId}` }, operation.operationId));
        entries.push([`${operation.operationId} ${path} ${operation.summary}`.toLowerCase(), entry]);
        list.append(entry);
      }
    }
    index.append(element("h2", {}, tag.name), list);
    content.append(section);
  }
  document.getElementById("search").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/);
    for (const [text, entry] of entries) entry.hidden = !words.every((word) => text.includes(word));
  });
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

show().catch((error) => {
  document.getElementById("content").replaceChildren(element("p", {}, `The contract could not be loaded: ${error.message}`));
});
