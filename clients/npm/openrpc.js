// The server against its own description. @open-rpc/test-coverage calls every method with its examples and with random
// parameters, and each answer is held against the document: a result has to fit its schema and hold no member that the
// schema does not name, a refusal has to be among the method's errors. The document itself is held against the
// meta-schemas of OpenRPC. Called with the address and an admin key.
const assert = require('node:assert')
const Ajv = require('ajv').default
const addFormats = require('ajv-formats').default
const jsf = require('json-schema-faker')
const { parseOpenRPCDocument } = require('@open-rpc/schema-utils-js')
const coverage = require('@open-rpc/test-coverage').default
const ExamplesRule = require('@open-rpc/test-coverage/build/rules/examples-rule').default
const FakerRule = require('@open-rpc/test-coverage/build/rules/json-schema-faker-rule').default
const fixtures = require('./openrpc-fixtures')
const transport = require('./openrpc-transport')

const [url, key, endpoint] = process.argv.slice(2)

// The errors of the protocol itself, which no method lists.
const protocolErrors = [-32000, -32002, -32003]

// The meta-schemas, without the ids that their parts have: references among the parts do not go through them.
function metaSchemas() {
  const { OpenRPCSpecificationSchema1_3, OpenRPCSpecificationSchema1_4 } = require('@open-rpc/spec')
  const schemas = { '1.2.6': require('@open-rpc/meta-schema').default, '1.3.2': OpenRPCSpecificationSchema1_3, '1.4.1': OpenRPCSpecificationSchema1_4 }
  for (const schema of Object.values(schemas)) {
    for (const part of [schema, schema.definitions.JSONSchema]) {
      delete part.$id
      delete part.$schema
    }
  }
  return schemas
}

// The meta-schema of JSON Schema that later ones refer to; it is not asked to describe itself.
function jsonMetaSchema() {
  const { $schema, $id, ...schema } = require('@json-schema-tools/meta-schema').default
  return schema
}

// 1.4's meta-schema takes no other version and 1.2's knows no later one, so the document is given the one it is held against.
function checkDocument(document) {
  for (const [version, meta] of Object.entries(metaSchemas())) {
    const ajv = newAjv()
    for (const id of ['', '/']) ajv.addSchema(jsonMetaSchema(), `https://meta.json-schema.tools${id}`)
    assert.ok(ajv.validate(meta, { ...document, openrpc: version }), `OpenRPC ${version}: ${JSON.stringify(ajv.errors, null, 1)}`)
    assert.ok(!ajv.validate(meta, { ...document, openrpc: version, methods: [{ name: 7 }] }), `OpenRPC ${version} takes anything`)
  }
}

function newAjv() {
  return addFormats(new Ajv({ strict: false, allErrors: true, formats: { int64: true } }))
}

// closed is a schema in which an object has no member but those it names.
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]))
  if (schema.type === 'object' && schema.properties && !('additionalProperties' in schema)) copy.additionalProperties = false
  return copy
}

function checkResult(call) {
  const ajv = newAjv()
  call.valid = ajv.validate(closed(call.resultSchema), call.result)
  if (!call.valid) call.reason = `result ${JSON.stringify(call.result)}: ${JSON.stringify(ajv.errors)}`
  return call
}

// random makes runs repeatable (a linear congruential generator).
let seed = 20261127
function random() {
  seed = (seed * 1664525 + 1013904223) % 4294967296
  return seed / 4294967296
}

// mix takes some required parameters from an example and leaves out some optional ones.
function mix(method, params, i) {
  const example = method.examples[i % method.examples.length]
  for (const { name, required } of method.params) {
    const shown = example.params.find((p) => p.name === name)
    if (required && shown && random() < 0.8) params[name] = shown.value
    if (!required && random() < 0.5) delete params[name]
  }
  return params
}

const documented = {} // by method: the codes it may refuse with

// Examples calls what the document shows, with what it names made before; each has to have a result.
class Examples extends ExamplesRule {
  // The rule's own calls take the first value for the first parameter, and so on; examples leave some out.
  getCalls(document, method) {
    const named = (example) => Object.fromEntries(example.params.map((p) => [p.name, p.value]))
    return super.getCalls(document, method).map((call, i) => ({ ...call, params: named(method.examples[i]) }))
  }
  async beforeRequest(_, call) {
    call.params = await fixtures.prepare({ url, key, endpoint }, call.params)
  }
  validateCall(call) {
    if (!call.error) return checkResult(call)
    call.valid = false
    call.reason = `${JSON.stringify(call.error)}; what examples name is made in openrpc-fixtures.js`
    return call
  }
}

// Random calls with what the schemas of the parameters allow; it may be refused, but not in a way nobody was told of.
// Required parameters are most often the example's, so that there is something to work on.
class Random extends FakerRule {
  // The rule's own calls are of methods without examples only, and give every parameter.
  getCalls(document, method) {
    const calls = super.getCalls(document, { ...method, examples: [], paramStructure: 'by-name' })
    return calls.map((call, i) => ({ ...call, params: mix(method, call.params, i) }))
  }
  async beforeRequest(_, call) {
    call.params = await fixtures.prepare({ url, key, endpoint }, call.params)
  }
  validateCall(call) {
    if (!call.error) return checkResult(call)
    call.valid = [...documented[call.methodName], ...protocolErrors].includes(call.error.code)
    if (!call.valid) call.reason = `${JSON.stringify(call.error)} is none of the method's errors`
    return call
  }
}


async function main() {
  const served = await (await fetch(`${url}/openrpc.json`)).json()
  checkDocument(served)
  const document = await parseOpenRPCDocument(served)
  for (const m of document.methods) documented[m.name] = m.errors.map((e) => e.code)
  jsf.option({ random, optionalsProbability: 0.7, maxItems: 4 })
  document.servers = [{ name: 'under test', url: `${url}/rpc` }]
  const calls = await coverage({
    openrpcDocument: document,
    transport: (to, method, params) => transport(to, key, method, params),
    rules: [new Examples(), new Random({ numCalls: 10 })],
    reporters: [{ onBegin() {}, onTestBegin() {}, onTestEnd() {}, onEnd() {} }],
  })
  const bad = calls.filter((c) => !c.valid)
  for (const c of bad) console.error(`${c.methodName} ${JSON.stringify(c.params)}\n  ${c.requestError ?? c.reason}`)
  assert.strictEqual(bad.length, 0, `${bad.length} of ${calls.length} calls are not as described`)
  console.log(`${calls.length} calls of ${document.methods.length} methods are as described`)
}

main().then(() => process.exit(0), (e) => { console.error(e); process.exit(1) })
