//! Expands what was read, within limits.

use std::collections::BTreeMap;

use super::functions::Function;
use super::parse::{Command, Node, Operand, Parsed, Pipeline, Term};
use super::value::Value;
use super::{Scene, TemplateError, data};

/// Longest text that a template may make: far more than a page.
const TEXT_LIMIT_BYTES: usize = 64 << 10;
/// Nodes that one expansion may visit, queries that it may ask, templates that may call each other.
const STEPS_LIMIT: usize = 50_000;
const QUERIES_LIMIT: usize = 50;
const CALLS_DEEPEST: usize = 30;

/// Whether the loop around goes on.
#[derive(PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

struct Run<'a> {
    scene: &'a Scene<'a>,
    defined: &'a BTreeMap<String, Vec<Node>>,
    out: String,
    variables: Vec<(String, Value)>,
    steps: usize,
    queries: usize,
    calls: usize,
}

pub(super) fn run(parsed: &Parsed, scene: &Scene<'_>) -> Result<String, TemplateError> {
    let dot = data(scene);
    let field = |name: &str| dot.field(name).unwrap_or(Value::Nil);
    let given = [
        ("$", dot.clone()),
        ("$labels", field("Labels")),
        ("$externalLabels", field("ExternalLabels")),
        ("$externalURL", field("ExternalURL")),
        ("$value", field("Value")),
    ];
    let mut run = Run {
        scene,
        defined: &parsed.defined,
        out: String::new(),
        variables: given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        steps: 0,
        queries: 0,
        calls: 0,
    };
    run.nodes(&parsed.nodes, &dot).map_err(TemplateError::Run)?;
    Ok(run.out)
}

impl Run<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow, String> {
        for node in nodes {
            self.step()?;
            let flow = self.node(node, dot)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    /// As [`Run::nodes`], with its variables forgotten after it.
    fn scoped(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow, String> {
        let known = self.variables.len();
        let flow = self.nodes(nodes, dot);
        self.variables.truncate(known);
        flow
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Result<Flow, String> {
        match node {
            Node::Text(text) => self.print(text)?,
            Node::Print(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                match (pipeline.variables.is_empty(), value) {
                    (true, Value::Nil) => self.print("<no value>")?,
                    (true, value) => self.print(&value.shown())?,
                    (false, _) => {}
                }
            }
            Node::If { branches, otherwise } => return self.branches(branches, otherwise, dot, false),
            Node::With { branches, otherwise } => return self.branches(branches, otherwise, dot, true),
            Node::Range { over, body, otherwise } => return self.range(over, body, otherwise, dot),
            Node::Call { name, with } => self.call(name, with.as_ref(), dot)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    /// The first branch whose condition is true; `with` makes the condition's value its dot.
    fn branches(
        &mut self,
        branches: &[(Pipeline, Vec<Node>)],
        otherwise: &[Node],
        dot: &Value,
        with: bool,
    ) -> Result<Flow, String> {
        let known = self.variables.len();
        let mut taken = None;
        for (condition, body) in branches {
            let value = self.pipeline(condition, dot)?;
            if value.is_true() {
                taken = Some((value, body));
                break;
            }
        }
        let flow = match taken {
            Some((value, body)) => self.nodes(body, if with { &value } else { dot }),
            None => self.nodes(otherwise, dot),
        };
        self.variables.truncate(known);
        flow
    }

    fn range(&mut self, over: &Pipeline, body: &[Node], otherwise: &[Node], dot: &Value) -> Result<Flow, String> {
        let known = self.variables.len();
        let items: Vec<(Value, Value)> = match self.commands(&over.commands, dot)? {
            Value::List(list) => {
                list.iter().enumerate().map(|(at, item)| (Value::Int(at as i64), item.clone())).collect()
            }
            Value::Labels(labels) => {
                labels.iter().map(|(name, value)| (Value::text(name), Value::text(value))).collect()
            }
            Value::Int(count) => {
                (0..count.clamp(0, STEPS_LIMIT as i64)).map(|at| (Value::Int(at), Value::Int(at))).collect()
            }
            Value::Nil => Vec::new(),
            other => return Err(format!("range can not go over a {}", other.kind())),
        };
        if items.is_empty() {
            return self.scoped(otherwise, dot);
        }
        for (key, item) in items {
            self.step()?;
            match &over.variables[..] {
                [] => {}
                [only] => self.set(only, item.clone(), over.declares),
                [first, second, ..] => {
                    self.set(first, key, over.declares);
                    self.set(second, item.clone(), over.declares);
                }
            }
            let flow = self.nodes(body, &item);
            self.variables.truncate(known);
            if flow? == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    fn call(&mut self, name: &str, with: Option<&Pipeline>, dot: &Value) -> Result<(), String> {
        let dot = with.map_or(Ok(Value::Nil), |with| self.pipeline(with, dot))?;
        let nodes = self.defined.get(name).ok_or_else(|| format!("there is no template {name:?}"))?;
        if self.calls == CALLS_DEEPEST {
            return Err("templates call each other too deeply".to_owned());
        }
        self.calls += 1;
        let outside = std::mem::replace(&mut self.variables, vec![("$".to_owned(), dot.clone())]);
        let run = self.nodes(nodes, &dot);
        self.variables = outside;
        self.calls -= 1;
        run.map(|_| ())
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value, String> {
        let value = self.commands(&pipeline.commands, dot)?;
        for name in &pipeline.variables {
            self.set(name, value.clone(), pipeline.declares);
        }
        Ok(value)
    }

    fn commands(&mut self, commands: &[Command], dot: &Value) -> Result<Value, String> {
        let mut last = None;
        for command in commands {
            self.step()?;
            last = Some(self.command(command, last, dot)?);
        }
        Ok(last.unwrap_or(Value::Nil))
    }

    fn command(&mut self, command: &Command, last: Option<Value>, dot: &Value) -> Result<Value, String> {
        let (function, args) = match command {
            Command::Operand(Operand { of: Term::Nil, .. }) => return Err("nil is not a command".to_owned()),
            Command::Operand(operand) => return self.operand(operand, dot),
            Command::Call { function, args } => (*function, args),
        };
        let mut values = Vec::new();
        for arg in args {
            let value = self.operand(arg, dot)?;
            // What decides is not followed by a look at the rest.
            let decides = match function {
                Function::And => !value.is_true(),
                Function::Or => value.is_true(),
                _other => false,
            };
            if decides {
                return Ok(value);
            }
            values.push(value);
        }
        values.extend(last);
        self.apply(function, &values)
    }

    fn apply(&mut self, function: Function, args: &[Value]) -> Result<Value, String> {
        if function == Function::Query {
            self.queries += 1;
            if self.queries > QUERIES_LIMIT {
                return Err(format!("it asks more than {QUERIES_LIMIT} queries"));
            }
        }
        function
            .call(args, self.scene.ask, self.scene.external_url)
            .map_err(|what| format!("error calling {}: {what}", function.name()))
    }

    fn operand(&mut self, operand: &Operand, dot: &Value) -> Result<Value, String> {
        let value = match &operand.of {
            Term::Dot => dot.clone(),
            Term::Variable(name) => self.get(name),
            Term::Text(text) => Value::text(text),
            Term::Int(number) => Value::Int(*number),
            Term::Float(number) => Value::Float(*number),
            Term::Bool(truth) => Value::Bool(*truth),
            Term::Nil => Value::Nil,
            Term::Pipeline(pipeline) => self.pipeline(pipeline, dot)?,
            Term::Function(function) => self.apply(*function, &[])?,
        };
        operand.fields.iter().try_fold(value, |value, name| value.field(name))
    }

    fn get(&self, name: &str) -> Value {
        self.variables.iter().rev().find(|(known, _)| known == name).map_or(Value::Nil, |(_, value)| value.clone())
    }

    fn set(&mut self, name: &str, value: Value, declares: bool) {
        match self.variables.iter_mut().rev().find(|(known, _)| !declares && known == name) {
            Some((_, known)) => *known = value,
            None => self.variables.push((name.to_owned(), value)),
        }
    }

    fn print(&mut self, text: &str) -> Result<(), String> {
        if self.out.len() + text.len() > TEXT_LIMIT_BYTES {
            return Err(format!("the text is longer than {} KiB", TEXT_LIMIT_BYTES >> 10));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps > STEPS_LIMIT { Err("it takes too many steps".to_owned()) } else { Ok(()) }
    }
}
