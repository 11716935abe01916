//! From tokens to what a template does. What an author can get wrong without data is found here.

use std::collections::BTreeMap;

use super::TemplateError;
use super::functions::{self, Function};
use super::lex::{Piece, Token, pieces, syntax};
use crate::base::problem::nearest;

/// How deep actions and parentheses may stand in each other.
const DEEPEST: usize = 60;

/// The variables that every template has.
pub(super) const GIVEN: [&str; 5] = ["$", "$labels", "$externalLabels", "$externalURL", "$value"];

/// What in the language of templates is not done here.
const REFUSED: [&str; 1] = ["block"];

#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) nodes: Vec<Node>,
    /// What `define` names.
    pub(super) defined: BTreeMap<String, Vec<Node>>,
}

#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    Print(Pipeline),
    If { branches: Vec<(Pipeline, Vec<Node>)>, otherwise: Vec<Node> },
    With { branches: Vec<(Pipeline, Vec<Node>)>, otherwise: Vec<Node> },
    Range { over: Pipeline, body: Vec<Node>, otherwise: Vec<Node> },
    Call { name: String, with: Option<Pipeline> },
    Break,
    Continue,
}

/// Commands whose answer is handed on from one to the next, and the variables that take the last.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) variables: Vec<String>,
    /// Whether the variables are new ones.
    pub(super) declares: bool,
    pub(super) commands: Vec<Command>,
}

#[derive(Debug)]
pub(super) enum Command {
    Call { function: Function, args: Vec<Operand> },
    Operand(Operand),
}

#[derive(Debug)]
pub(super) struct Operand {
    pub(super) of: Term,
    /// Each `.Field` behind it.
    pub(super) fields: Vec<String>,
}

#[derive(Debug)]
pub(super) enum Term {
    Dot,
    Variable(String),
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Nil,
    Pipeline(Pipeline),
    /// A function without arguments as an argument.
    Function(Function),
}

impl Parsed {
    pub(super) fn is_plain(&self) -> bool {
        self.nodes.iter().all(|node| matches!(node, Node::Text(_)))
    }
}

/// How a list of nodes ended.
#[derive(Debug, PartialEq)]
enum Ended {
    AtEnd,
    AtElse(Vec<Token>, String),
    WithTheText,
}

struct Parser<'a> {
    pieces: std::vec::IntoIter<Piece<'a>>,
    variables: Vec<String>,
    defined: BTreeMap<String, Vec<Node>>,
    depth: usize,
    /// How many ranges are around.
    ranges: usize,
}

/// Reads a template.
///
/// # Errors
/// Its first mistake.
pub(super) fn parse(source: &str) -> Result<Parsed, TemplateError> {
    let mut parser = Parser {
        pieces: pieces(source)?.into_iter(),
        variables: GIVEN.map(str::to_owned).to_vec(),
        defined: BTreeMap::new(),
        depth: 0,
        ranges: 0,
    };
    match parser.nodes()? {
        (nodes, Ended::WithTheText) => Ok(Parsed { nodes, defined: parser.defined }),
        (_, Ended::AtEnd) => Err(syntax("an end without its beginning", source)),
        (_, Ended::AtElse(..)) => Err(syntax("an else without its if", source)),
    }
}

impl Parser<'_> {
    fn nodes(&mut self) -> Result<(Vec<Node>, Ended), TemplateError> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let (tokens, source) = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text.to_owned()));
                    continue;
                }
                Piece::Action { tokens, source } => (tokens, source),
            };
            let keyword = match tokens.first() {
                Some(Token::Name(name)) => name.as_str(),
                Some(_) => "",
                None => return Err(syntax("an action without anything in it", source)),
            };
            let rest = || tokens[1..].to_vec();
            match keyword {
                "end" if tokens.len() == 1 => return Ok((nodes, Ended::AtEnd)),
                "else" => return Ok((nodes, Ended::AtElse(rest(), source.to_owned()))),
                "if" | "with" => nodes.push(self.branches(keyword, rest(), source)?),
                "range" => nodes.push(self.range(rest(), source)?),
                "define" => self.define(&tokens[1..], source)?,
                "template" => nodes.push(self.call(&tokens[1..], source)?),
                "break" | "continue" if tokens.len() == 1 => {
                    if self.ranges == 0 {
                        return Err(syntax(format!("a {keyword} outside of any range"), source));
                    }
                    nodes.push(if keyword == "break" { Node::Break } else { Node::Continue });
                }
                word if REFUSED.contains(&word) => return Err(TemplateError::Unsupported { name: word.to_owned() }),
                _other => nodes.push(Node::Print(self.pipeline(&tokens, source)?)),
            }
        }
        Ok((nodes, Ended::WithTheText))
    }

    /// The inside of an action that has an end of its own, with its variables forgotten after it.
    fn inside<T>(
        &mut self,
        source: &str,
        read: impl FnOnce(&mut Self) -> Result<T, TemplateError>,
    ) -> Result<T, TemplateError> {
        if self.depth == DEEPEST {
            return Err(syntax("actions stand too deep in each other", source));
        }
        self.depth += 1;
        let known = self.variables.len();
        let read = read(self);
        self.variables.truncate(known);
        self.depth -= 1;
        read
    }

    fn branches(&mut self, keyword: &str, tokens: Vec<Token>, source: &str) -> Result<Node, TemplateError> {
        self.inside(source, |parser| {
            let (mut tokens, mut source) = (tokens, source.to_owned());
            let mut branches = Vec::new();
            loop {
                let condition = parser.pipeline(&tokens, &source)?;
                let (body, ended) = parser.body()?;
                branches.push((condition, body));
                let otherwise = match ended {
                    Ended::AtEnd => Vec::new(),
                    Ended::AtElse(rest, place) if rest.is_empty() => parser.last(&place)?,
                    Ended::AtElse(rest, place) if rest.first() == Some(&Token::Name(keyword.to_owned())) => {
                        (tokens, source) = (rest[1..].to_vec(), place);
                        continue;
                    }
                    Ended::AtElse(_, place) => {
                        return Err(syntax(format!("after else only {keyword} can follow"), &place));
                    }
                    Ended::WithTheText => return Err(syntax(format!("a {keyword} without its end"), &source)),
                };
                return Ok(match keyword {
                    "with" => Node::With { branches, otherwise },
                    _if => Node::If { branches, otherwise },
                });
            }
        })
    }

    /// What follows the last else.
    fn last(&mut self, source: &str) -> Result<Vec<Node>, TemplateError> {
        match self.body()? {
            (nodes, Ended::AtEnd) => Ok(nodes),
            (_, Ended::AtElse(..)) => Err(syntax("a second else", source)),
            (_, Ended::WithTheText) => Err(syntax("an else without its end", source)),
        }
    }

    /// Nodes whose variables end with them.
    fn body(&mut self) -> Result<(Vec<Node>, Ended), TemplateError> {
        let known = self.variables.len();
        let nodes = self.nodes();
        self.variables.truncate(known);
        nodes
    }

    fn range(&mut self, tokens: Vec<Token>, source: &str) -> Result<Node, TemplateError> {
        self.inside(source, |parser| {
            let over = parser.pipeline_with(&tokens, source, 2)?;
            parser.ranges += 1;
            let body = parser.body();
            parser.ranges -= 1;
            let (body, ended) = body?;
            let otherwise = match ended {
                Ended::AtEnd => Vec::new(),
                Ended::AtElse(rest, place) if rest.is_empty() => parser.last(&place)?,
                Ended::AtElse(_, place) => return Err(syntax("after the else of a range nothing can follow", &place)),
                Ended::WithTheText => return Err(syntax("a range without its end", source)),
            };
            Ok(Node::Range { over, body, otherwise })
        })
    }

    fn define(&mut self, tokens: &[Token], source: &str) -> Result<(), TemplateError> {
        let [Token::Text(name)] = tokens else { return Err(syntax("define needs a name in quotes", source)) };
        if self.depth > 0 {
            return Err(syntax("define can not stand inside of another action", source));
        }
        // A defined template sees only what it is given.
        let outside = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let read = self.inside(source, |parser| match parser.nodes()? {
            (nodes, Ended::AtEnd) => Ok(nodes),
            (_, Ended::AtElse(..) | Ended::WithTheText) => Err(syntax("a define without its end", source)),
        });
        self.variables = outside;
        self.defined.insert(name.clone(), read?);
        Ok(())
    }

    fn call(&mut self, tokens: &[Token], source: &str) -> Result<Node, TemplateError> {
        let Some((Token::Text(name), with)) = tokens.split_first() else {
            return Err(syntax("template needs a name in quotes", source));
        };
        let with = if with.is_empty() { None } else { Some(self.pipeline(with, source)?) };
        Ok(Node::Call { name: name.clone(), with })
    }

    fn pipeline(&mut self, tokens: &[Token], source: &str) -> Result<Pipeline, TemplateError> {
        self.pipeline_with(tokens, source, 1)
    }

    fn pipeline_with(&mut self, tokens: &[Token], source: &str, most: usize) -> Result<Pipeline, TemplateError> {
        let (variables, declares, rest) = match tokens {
            [Token::Variable(name), Token::Declare, rest @ ..] => (vec![name.clone()], true, rest),
            [Token::Variable(name), Token::Assign, rest @ ..] => (vec![name.clone()], false, rest),
            [
                Token::Variable(first),
                Token::Comma,
                Token::Variable(second),
                sets @ (Token::Declare | Token::Assign),
                rest @ ..,
            ] if most == 2 => (vec![first.clone(), second.clone()], *sets == Token::Declare, rest),
            tokens => (Vec::new(), false, tokens),
        };
        let commands = self.commands(rest, source)?;
        for name in &variables {
            match declares {
                true => self.variables.push(name.clone()),
                false => self.known(name)?,
            }
        }
        Ok(Pipeline { variables, declares, commands })
    }

    fn commands(&mut self, tokens: &[Token], source: &str) -> Result<Vec<Command>, TemplateError> {
        let mut commands = Vec::new();
        let mut rest = tokens;
        loop {
            let mut operands = Vec::new();
            while let Some(first) = rest.first() {
                if *first == Token::Pipe {
                    break;
                }
                let (operand, after) = self.operand(rest, source)?;
                operands.push(operand);
                rest = after;
            }
            commands.push(command(operands, !commands.is_empty(), source)?);
            match rest.split_first() {
                Some((_pipe, after)) => rest = after,
                None => return Ok(commands),
            }
        }
    }

    fn operand<'t>(&mut self, tokens: &'t [Token], source: &str) -> Result<(Operand, &'t [Token]), TemplateError> {
        let missing = || syntax("a value is missing", source);
        let (first, mut rest) = tokens.split_first().ok_or_else(missing)?;
        let mut fields = Vec::new();
        let of = match first {
            Token::Dot => Term::Dot,
            Token::Field { name, .. } => {
                fields.push(name.clone());
                Term::Dot
            }
            Token::Variable(name) => {
                self.known(name)?;
                Term::Variable(name.clone())
            }
            Token::Text(text) => Term::Text(text.clone()),
            Token::Int(number) => Term::Int(*number),
            Token::Float(number) => Term::Float(*number),
            Token::Name(name) => match name.as_str() {
                "true" => Term::Bool(true),
                "false" => Term::Bool(false),
                "nil" => Term::Nil,
                name => Term::Function(function(name)?),
            },
            Token::Open => {
                let close = closing(rest).ok_or_else(|| syntax("a parenthesis that is not closed", source))?;
                let pipeline = self.inside(source, |parser| parser.pipeline(&rest[..close], source))?;
                rest = &rest[close + 1..];
                Term::Pipeline(pipeline)
            }
            Token::Pipe | Token::Declare | Token::Assign | Token::Comma | Token::Close => {
                return Err(syntax("something stands where a value is expected", source));
            }
        };
        while let Some((Token::Field { name, spaced: false }, after)) = rest.split_first() {
            if matches!(of, Term::Text(_) | Term::Int(_) | Term::Float(_) | Term::Bool(_) | Term::Nil) {
                return Err(syntax(format!("a constant has no field {name}"), source));
            }
            fields.push(name.clone());
            rest = after;
        }
        Ok((Operand { of, fields }, rest))
    }

    fn known(&self, name: &str) -> Result<(), TemplateError> {
        if self.variables.iter().any(|known| known == name) {
            return Ok(());
        }
        let nearest = nearest(name, self.variables.iter().map(String::as_str)).map(str::to_owned);
        Err(TemplateError::UnknownVariable { name: name.to_owned(), nearest })
    }
}

/// A command: a function with its arguments, or one operand by itself.
fn command(mut operands: Vec<Operand>, piped: bool, source: &str) -> Result<Command, TemplateError> {
    if operands.is_empty() {
        return Err(syntax("a value is missing", source));
    }
    let first = operands.remove(0);
    match first {
        Operand { of: Term::Function(function), fields } if fields.is_empty() => {
            Ok(Command::Call { function, args: operands })
        }
        first if operands.is_empty() && !piped => Ok(Command::Operand(first)),
        _first => Err(syntax("only a function can be given arguments", source)),
    }
}

fn function(name: &str) -> Result<Function, TemplateError> {
    if let Some(function) = Function::named(name) {
        return Ok(function);
    }
    let name = name.to_owned();
    if functions::REFUSED.contains(&name.as_str()) {
        return Err(TemplateError::Unsupported { name });
    }
    let nearest = nearest(&name, functions::ALL.iter().map(|(known, _)| *known)).map(str::to_owned);
    Err(TemplateError::UnknownFunction { name, nearest })
}

/// Where the parenthesis ends that was opened before.
fn closing(tokens: &[Token]) -> Option<usize> {
    let mut open = 1;
    tokens.iter().position(|token| {
        match token {
            Token::Open => open += 1,
            Token::Close => open -= 1,
            _other => {}
        }
        open == 0
    })
}
