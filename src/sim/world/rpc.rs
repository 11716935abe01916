//! JSON-RPC 2.0: envelopes, batches, and methods that there are not.

use serde_json::{Map, Value, json};

use super::script::Programs;
use super::spec::{MethodSpec, RpcSpec};
use super::view::tried;

/// The body of the answer. Whatever went wrong is in its envelope; the status is 200.
pub fn answer(
    spec: &RpcSpec,
    programs: &Programs,
    view: &Map<String, Value>,
    body: &str,
    errors: &[(&String, i64, &String)],
) -> String {
    let one = |call: &Value| answered(spec, programs, view, call, errors);
    match serde_json::from_str(body) {
        Ok(Value::Array(calls)) => Value::Array(calls.iter().map(one).collect()).to_string(),
        Ok(call) => one(&call).to_string(),
        Err(_) => error(&Value::Null, -32700, "parse error").to_string(),
    }
}

/// The methods of a question; none where it is no question.
pub fn methods(body: &str) -> Vec<String> {
    let method = |call: &Value| call.get("method").and_then(Value::as_str).map(str::to_owned);
    match serde_json::from_str(body) {
        Ok(Value::Array(calls)) => calls.iter().filter_map(method).collect(),
        Ok(call) => method(&call).into_iter().collect(),
        Err(_) => Vec::new(),
    }
}

/// Whether a method is one of these; `name.*` are all that begin so.
pub fn is_among(names: &[String], method: &str) -> bool {
    names.iter().any(|name| match name.strip_suffix('*') {
        Some(begin) => method.starts_with(begin),
        None => name == method,
    })
}

/// The answer to one who asked too often.
pub fn refused(body: &str, code: i64, message: &str) -> String {
    let call: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    error(&id_of(&call), code, message).to_string()
}

fn answered(
    spec: &RpcSpec,
    programs: &Programs,
    view: &Map<String, Value>,
    call: &Value,
    errors: &[(&String, i64, &String)],
) -> Value {
    let id = id_of(call);
    let Some(method) = call.get("method").and_then(Value::as_str) else {
        return error(&id, -32600, "invalid request");
    };
    if let Some((_, code, message)) = errors.iter().find(|(of, ..)| *of == "*" || of.as_str() == method) {
        return error(&id, *code, message);
    }
    match spec.methods.get(method) {
        Some(MethodSpec::Error(code, message)) => error(&id, *code, message),
        Some(MethodSpec::Result(_)) => {
            let mut input = view.clone();
            input.insert("params".to_owned(), call.get("params").cloned().unwrap_or(Value::Null));
            let Some(program) = programs.methods.get(method) else { return error(&id, -32603, "internal error") };
            match tried(program, &Value::Object(input)) {
                Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
                Err(why) => error(&id, -32603, &format!("world.ron: {method}: {why}")),
            }
        }
        None => error(&id, spec.unknown.0, &spec.unknown.1),
    }
}

fn id_of(call: &Value) -> Value {
    call.get("id").cloned().unwrap_or(Value::Null)
}

fn error(id: &Value, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}
