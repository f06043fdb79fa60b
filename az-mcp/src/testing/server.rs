//! An MCP server for tests: a blocking loop over standard input and output, with tools that do what
//! servers do, and ways to misbehave.

use std::io::{self, BufRead, Write};
use std::process::Command;

use serde_json::{Value, json};

/// How a server for tests behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Behaviour {
    /// It speaks the versions with a handshake only.
    Legacy,
    /// It speaks version 2026-07-28 only.
    Modern,
    /// It speaks all versions, and its tool `echo` has another description.
    Changed,
    /// It reads, and never answers.
    Silent,
    /// It writes lines that are no messages, without an end.
    Noise,
    /// It writes one message without an end.
    LongLine,
    /// Its list of tools has pages without an end.
    EndlessPages,
    /// The schemas of its tools are huge and deep.
    HugeSchemas,
    /// It has 500 tools.
    ManyTools,
    /// It ends at its start, and says why on its standard error.
    EndsAtStart,
    /// It writes to the terminal.
    Terminal,
    /// It asks a person before it has the result of its only tool, `ask`.
    AsksPerson,
    /// It asks for 1,000 completions of a model before it answers a call.
    AsksForCompletions,
}

impl Behaviour {
    /// All behaviours.
    pub const ALL: [Self; 13] = [
        Self::Legacy,
        Self::Modern,
        Self::Changed,
        Self::Silent,
        Self::Noise,
        Self::LongLine,
        Self::EndlessPages,
        Self::HugeSchemas,
        Self::ManyTools,
        Self::EndsAtStart,
        Self::Terminal,
        Self::AsksPerson,
        Self::AsksForCompletions,
    ];

    /// Returns the behaviour of this name, which is that of the variant.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|behaviour| format!("{behaviour:?}") == name)
    }
}

/// Runs a server on the standard input and output of the process until its input ends.
///
/// # Errors
///
/// Those of the standard input and output.
pub fn serve(behaviour: Behaviour) -> io::Result<()> {
    let mut server = Server {
        behaviour,
        is_changed: behaviour == Behaviour::Changed,
        received: Vec::new(),
        asking: None,
        out: io::stdout(),
    };
    // What a test harness has written before is on a line of its own.
    writeln!(server.out)?;
    match behaviour {
        Behaviour::Noise => loop {
            writeln!(server.out, "Listening on nothing at all; this is no message")?;
        },
        Behaviour::LongLine => {
            write!(server.out, "{{")?;
            loop {
                write!(server.out, "{}", " ".repeat(1 << 16))?;
            }
        }
        Behaviour::EndsAtStart => {
            writeln!(io::stderr(), "the database of the server is locked")?;
            return Ok(());
        }
        Behaviour::Terminal => {
            if let Ok(mut terminal) = std::fs::File::options().write(true).open("/dev/tty") {
                terminal.write_all(b"\x1b[2Jthis stands on the terminal\n")?;
            }
            writeln!(io::stderr(), "\x1b[2Jthis stands on the terminal")?;
        }
        _ => {}
    }
    for line in io::stdin().lock().lines() {
        let Ok(message) = serde_json::from_str::<Value>(&line?) else { continue };
        if behaviour != Behaviour::Silent && !server.handle(&message)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Returns the definition of `echo`, as the server lists it.
pub fn echo_definition(is_changed: bool) -> Value {
    let description = if is_changed { "Returns the text, and more" } else { "Returns the text" };
    json!({
        "name": "echo",
        "description": description,
        "inputSchema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"text": {"$ref": "#/$defs/text"}},
            "required": ["text"],
            "additionalProperties": false,
            "$defs": {"text": {"type": "string", "maxLength": 1000}},
        },
        "annotations": {"readOnlyHint": true},
    })
}

struct Server {
    behaviour: Behaviour,
    is_changed: bool,
    /// The requests and notifications, for the tool `received`.
    received: Vec<String>,
    /// The call whose question is not answered yet.
    asking: Option<Value>,
    out: io::Stdout,
}

impl Server {
    fn send(&mut self, message: &Value) -> io::Result<()> {
        writeln!(self.out, "{message}")?;
        self.out.flush()
    }

    /// Handles a message; returns whether the server goes on.
    fn handle(&mut self, message: &Value) -> io::Result<bool> {
        let method = text_at(message, "/method");
        let tool = text_at(message, "/params/name");
        self.received.push(match method {
            "tools/call" => format!("{method} {tool}"),
            _ => method.to_owned(),
        });
        if let (true, Some(call)) = (message.get("result").is_some(), self.asking.take()) {
            let answered = answered(message.pointer("/result"));
            self.send(&json!({"jsonrpc": "2.0", "id": call, "result": answered}))?;
        }
        let Some(id) = message.get("id").filter(|_| !method.is_empty()) else { return Ok(true) };
        let result = match method {
            "server/discover" if self.behaviour != Behaviour::Legacy => self.discovered(),
            "initialize" if self.behaviour != Behaviour::Modern => json!({
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {"listChanged": true}, "resources": {}, "prompts": {}},
                "serverInfo": {"name": "test-server", "version": "1.0"},
                "instructions": "For tests only",
            }),
            "tools/list" => self.list(message),
            "tools/call" => match self.call(id, tool, message)? {
                Called::Result(result) => result,
                Called::NoAnswer => return Ok(true),
                Called::End => return Ok(false),
            },
            "resources/list" => json!({"resources": [
                {"uri": "test://notes", "name": "notes", "mimeType": "text/plain", "size": 5}
            ]}),
            "resources/read" => json!({"contents": [
                {"uri": "test://notes", "mimeType": "text/plain", "text": "hello"}
            ]}),
            "prompts/list" => json!({"prompts": [{
                "name": "greet", "description": "Greets",
                "arguments": [{"name": "who", "required": true}],
            }]}),
            "prompts/get" => {
                let text = format!("Greet {}", text_at(message, "/params/arguments/who"));
                json!({"messages": [{"role": "user", "content": {"type": "text", "text": text}}]})
            }
            _ => {
                let error = json!({"code": -32601, "message": format!("no method {method}")});
                self.send(&json!({"jsonrpc": "2.0", "id": id, "error": error}))?;
                return Ok(true);
            }
        };
        let mut result = result;
        if let (true, Value::Object(fields)) = (self.is_modern(message), &mut result) {
            fields.entry("resultType").or_insert_with(|| json!("complete"));
            fields.insert("ttlMs".to_owned(), json!(0));
            fields.insert("cacheScope".to_owned(), json!("private"));
        }
        self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}))?;
        Ok(true)
    }

    /// Whether a request is one of version 2026-07-28.
    fn is_modern(&self, message: &Value) -> bool {
        self.behaviour != Behaviour::Legacy
            && !text_at(message, "/params/_meta/io.modelcontextprotocol~1protocolVersion")
                .is_empty()
    }

    fn discovered(&self) -> Value {
        let versions = match self.behaviour {
            Behaviour::Modern => json!(["2026-07-28"]),
            _ => json!(["2026-07-28", "2025-11-25"]),
        };
        json!({
            "supportedVersions": versions,
            "capabilities": {"tools": {}, "resources": {}, "prompts": {}},
            "instructions": "For tests only",
            "_meta": {
                "io.modelcontextprotocol/serverInfo": {"name": "test-server", "version": "1.0"}
            },
        })
    }

    fn list(&self, message: &Value) -> Value {
        let plain = |name: &str| json!({"name": name, "inputSchema": {"type": "object"}});
        match self.behaviour {
            Behaviour::EndlessPages => {
                let page: u64 = text_at(message, "/params/cursor").parse().unwrap_or_default();
                let next = (page + 1).to_string();
                return json!({"tools": [plain(&format!("t{page}"))], "nextCursor": next});
            }
            Behaviour::AsksPerson => return json!({"tools": [plain("ask")]}),
            Behaviour::ManyTools => {
                let tools: Vec<_> = (0..500).map(|number| plain(&format!("t{number}"))).collect();
                return json!({ "tools": tools });
            }
            Behaviour::HugeSchemas => {
                let mut deep = json!({});
                for _ in 0..30 {
                    deep = json!({"properties": {"a": deep}});
                }
                let large = json!({"type": "object", "description": "x".repeat(1 << 20)});
                return json!({"tools": [
                    echo_definition(false),
                    {"name": "large", "inputSchema": large},
                    {"name": "deep", "inputSchema": deep},
                ]});
            }
            _ => {}
        }
        let names = [
            "fail",
            "wait",
            "end",
            "change",
            "received",
            "variables",
            "picture",
            "report",
            "leave",
        ];
        let mut tools = vec![echo_definition(self.is_changed)];
        tools.extend(names.map(plain));
        json!({ "tools": tools })
    }

    fn call(&mut self, id: &Value, tool: &str, message: &Value) -> io::Result<Called> {
        if self.behaviour == Behaviour::AsksForCompletions {
            for number in 0..1_000 {
                let asked = json!({"messages": [], "maxTokens": 1});
                let id = format!("s{number}");
                let method = "sampling/createMessage";
                self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": asked}))?;
            }
        }
        let text = |text: &str| json!({"content": [{"type": "text", "text": text}]});
        Ok(Called::Result(match tool {
            "echo" => text(text_at(message, "/params/arguments/text")),
            "fail" => {
                json!({"content": [{"type": "text", "text": "it failed"}], "isError": true})
            }
            "wait" => return Ok(Called::NoAnswer),
            "end" => return Ok(Called::End),
            "change" => {
                self.is_changed = true;
                let method = "notifications/tools/list_changed";
                self.send(&json!({"jsonrpc": "2.0", "method": method}))?;
                text("changed")
            }
            "received" => text(&json!(self.received).to_string()),
            "variables" => {
                let names: Vec<_> = environment().collect();
                text(&json!(names).to_string())
            }
            "ask" if self.is_modern(message) => {
                match message.pointer("/params/inputResponses/who") {
                    Some(answer) => answered(Some(answer)),
                    None => json!({
                        "resultType": "input_required",
                        "inputRequests": {
                            "who": {"method": "elicitation/create", "params": question()}
                        },
                        "requestState": "asked",
                    }),
                }
            }
            "ask" => {
                self.asking = Some(id.clone());
                let method = "elicitation/create";
                let asked =
                    json!({"jsonrpc": "2.0", "id": "q", "method": method, "params": question()});
                self.send(&asked)?;
                return Ok(Called::NoAnswer);
            }
            "picture" => {
                json!({"content": [{"type": "image", "mimeType": "image/png", "data": "aGVsbG8="}]})
            }
            "report" => {
                let report = json!({
                    "progressToken": message.pointer("/params/_meta/progressToken"),
                    "progress": 1,
                    "total": 2,
                    "message": text_at(message, "/params/arguments/text"),
                });
                let method = "notifications/progress";
                self.send(&json!({"jsonrpc": "2.0", "method": method, "params": report}))?;
                text("reported")
            }
            "leave" => {
                let child = Command::new("sleep").arg("1000").spawn()?;
                text(&child.id().to_string())
            }
            other => {
                let error = json!({"code": -32602, "message": format!("unknown tool {other}")});
                self.send(&json!({"jsonrpc": "2.0", "id": id, "error": error}))?;
                return Ok(Called::NoAnswer);
            }
        }))
    }
}

/// Returns what a person is asked.
fn question() -> Value {
    json!({
        "mode": "form",
        "message": "Who is greeted?",
        "requestedSchema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "twice": {"type": "boolean"}},
            "required": ["name"],
        },
    })
}

/// Returns the result of `ask`: the answer as text.
fn answered(answer: Option<&Value>) -> Value {
    let text = answer.map(Value::to_string).unwrap_or_default();
    json!({"content": [{"type": "text", "text": text}]})
}

/// Returns the text at a JSON pointer; empty if there is none.
fn text_at<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

enum Called {
    Result(Value),
    NoAnswer,
    End,
}

/// Returns the names of the variables of the process.
fn environment() -> impl Iterator<Item = String> {
    let own = std::fs::read("/proc/self/environ").unwrap_or_default();
    let variables: Vec<_> = own
        .split(|byte| *byte == 0)
        .map(|variable| String::from_utf8_lossy(variable).into_owned())
        .collect();
    let names = variables.into_iter().filter_map(|it| Some(it.split_once('=')?.0.to_owned()));
    names.collect::<Vec<_>>().into_iter()
}
