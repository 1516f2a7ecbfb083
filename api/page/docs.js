// Draws the OpenAPI document of this server, and loads nothing from elsewhere.
"use strict";

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function link(text, target) {
  const made = element("a", text);
  made.href = target;
  return made;
}

const nameOf = (ref) => ref.split("/").pop();

// shape says in a few words what a schema is.
function shape(schema) {
  if (!schema) return element("span");
  if (schema.$ref) return link(nameOf(schema.$ref), "#schema-" + nameOf(schema.$ref));
  if (schema.oneOf) return element("span", "", ...schema.oneOf.flatMap((one, i) => (i ? [" or ", shape(one)] : [shape(one)])));
  if (schema.items) return element("span", "list of ", shape(schema.items));
  const parts = [[].concat(schema.type || "anything").join(" or ")];
  if (schema.enum) parts.push(schema.enum.join(", "));
  if (schema.minimum !== undefined) parts.push("from " + schema.minimum);
  if (schema.maximum !== undefined) parts.push("to " + schema.maximum);
  if (schema.default !== undefined) parts.push("default " + schema.default);
  return element("span", parts.join("; "));
}

function table(heads, rows) {
  const head = element("tr", "", ...heads.map((h) => element("th", h)));
  const body = rows.map((row) => element("tr", "", ...row.map((cell) => element("td", "", cell))));
  return element("table", "", element("thead", "", head), element("tbody", "", ...body));
}

function content(of) {
  return element("span", "", ...Object.entries(of || {}).flatMap(([media, c]) => [element("code", media), " ", shape(c.schema), " "]));
}

function operation(doc, path, method, o) {
  const made = element("section", "", element("h3", method.toUpperCase() + " " + path), element("p", o.summary || ""));
  made.id = o.operationId || method + path;
  const role = Object.values((o.security || [])[0] || {})[0];
  made.append(element("p", role ? "Role: " + role[0] : "Open to everyone"));
  const parameters = o.parameters || [];
  if (parameters.length) {
    made.append(table(["parameter", "in", "is", ""], parameters.map((p) =>
      [element("code", p.name + (p.required ? " *" : "")), p.in, shape(p.schema), p.description || ""])));
  }
  if (o.requestBody) made.append(element("p", "Body: ", content(o.requestBody.content)));
  made.append(table(["status", "", "answer"], Object.entries(o.responses || {}).map(([status, r]) => {
    const said = r.$ref ? doc.components.responses[nameOf(r.$ref)] : r;
    return [status, said.description || "", content(said.content)];
  })));
  return made;
}

function schema(name, s) {
  const made = element("section", "", element("h3", name));
  made.id = "schema-" + name;
  if (s.description) made.append(element("p", s.description));
  const required = s.required || [];
  const rows = Object.entries(s.properties || {}).map(([field, of]) =>
    [element("code", field + (required.includes(field) ? " *" : "")), shape(of), of.description || ""]);
  made.append(rows.length ? table(["field", "is", ""], rows) : shape(s));
  return made;
}

async function draw() {
  const doc = await (await fetch("/openapi.json")).json();
  document.getElementById("title").textContent = doc.info.title + ": " + (doc.info.summary || "");
  document.getElementById("description").textContent = doc.info.description || "";
  const contents = document.getElementById("contents");
  const operations = document.getElementById("operations");
  for (const [path, methods] of Object.entries(doc.paths)) {
    for (const [method, o] of Object.entries(methods)) {
      const made = operation(doc, path, method, o);
      operations.append(made);
      contents.append(element("li", "", link(method.toUpperCase() + " " + path, "#" + made.id)));
    }
  }
  for (const [name, s] of Object.entries(doc.components.schemas)) document.getElementById("schemas").append(schema(name, s));
}

draw().catch((error) => { document.getElementById("description").textContent = "/openapi.json cannot be read: " + error; });
