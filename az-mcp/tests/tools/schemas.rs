//! The descriptions of the built-in tools for models and people.

use az_core::tool::Toolbox;
use serde_json::{Value, json};

use crate::support::Bench;

/// Checks `Tool` 1.
#[test]
fn the_tools_have_the_arguments_of_the_design() {
    let argument = |name: &str, kind: &str, required: bool, default: Value| {
        let mut argument = json!({"name": name, "type": kind, "required": required});
        if !default.is_null() {
            argument["default"] = default;
        }
        argument
    };
    let expect = json!([
        {"name": "filesystem.list", "returns": "array", "category": "filesystem", "arguments": [
            argument("path", "string", true, Value::Null),
            argument("recursive", "boolean", false, json!(false)),
            argument("include_hidden", "boolean", false, json!(false)),
        ]},
        {"name": "filesystem.read", "returns": "string", "category": "filesystem", "arguments": [
            argument("path", "string", true, Value::Null),
            argument("encoding", "string", false, json!("utf-8")),
            argument("offset", "number", false, json!(1)),
            argument("limit", "number", false, Value::Null),
        ]},
        {"name": "filesystem.write", "returns": "boolean", "category": "filesystem", "arguments": [
            argument("path", "string", true, Value::Null),
            argument("content", "string", true, Value::Null),
            argument("encoding", "string", false, json!("utf-8")),
            argument("append", "boolean", false, json!(false)),
        ]},
        {"name": "filesystem.edit", "returns": "object", "category": "filesystem", "arguments": [
            argument("path", "string", true, Value::Null),
            argument("old_string", "string", true, Value::Null),
            argument("new_string", "string", true, Value::Null),
            argument("replace_all", "boolean", false, json!(false)),
        ]},
        {"name": "filesystem.search", "returns": "object", "category": "filesystem", "arguments": [
            argument("pattern", "string", true, Value::Null),
            argument("path", "string", false, json!(".")),
            argument("glob", "string", false, Value::Null),
            argument("mode", "string", false, json!("lines")),
            argument("context", "number", false, json!(0)),
            argument("limit", "number", false, json!(100)),
            argument("ignore_case", "boolean", false, json!(false)),
        ]},
        {"name": "filesystem.glob", "returns": "array", "category": "filesystem", "arguments": [
            argument("pattern", "string", true, Value::Null),
            argument("path", "string", false, json!(".")),
            argument("limit", "number", false, json!(200)),
        ]},
        {"name": "shell.execute", "returns": "object", "category": "shell", "arguments": [
            argument("command", "string", true, Value::Null),
            argument("timeout", "number", false, Value::Null),
            argument("env", "object", false, Value::Null),
        ]},
        {"name": "process.list", "returns": "array", "category": "system", "arguments": [
            argument("filter", "string", false, Value::Null),
            argument("user", "string", false, Value::Null),
        ]},
        {"name": "output.read", "returns": "object", "category": "output", "arguments": [
            argument("call", "string", true, Value::Null),
            argument("offset", "number", false, json!(0)),
            argument("limit", "number", false, json!(6144)),
        ]},
        {"name": "todo.set", "returns": "string", "category": "task", "arguments": [
            argument("items", "array", true, Value::Null),
        ]},
        {"name": "person.ask", "returns": "string", "category": "person", "arguments": [
            argument("question", "string", true, Value::Null),
            argument("options", "array", false, json!([])),
        ]},
    ]);
    let mut tools = serde_json::to_value(Bench::new().tools.list_tools()).unwrap();
    for tool in tools.as_array_mut().unwrap() {
        assert!(tool.as_object_mut().unwrap().remove("description").is_some());
        for argument in tool["arguments"].as_array_mut().unwrap() {
            assert!(argument.as_object_mut().unwrap().remove("description").is_some());
        }
    }
    assert_eq!(tools, expect);
}

/// Returns the schema of a tool's arguments.
fn schema(tool: &str) -> Value {
    let specs = Bench::new().tools.specs();
    Value::clone(&specs.iter().find(|spec| spec.name == tool).unwrap().input_schema)
}

#[test]
fn the_schema_of_filesystem_list() {
    insta::assert_json_snapshot!(schema("filesystem.list"), @r#"
    {
      "additionalProperties": false,
      "properties": {
        "include_hidden": {
          "default": false,
          "description": "Include hidden files",
          "type": "boolean"
        },
        "path": {
          "description": "Directory path, relative to the workspace",
          "type": "string"
        },
        "recursive": {
          "default": false,
          "description": "List recursively",
          "type": "boolean"
        }
      },
      "required": [
        "path"
      ],
      "type": "object"
    }
    "#);
}

#[test]
fn the_schema_of_filesystem_read() {
    insta::assert_json_snapshot!(schema("filesystem.read"), @r#"
    {
      "additionalProperties": false,
      "properties": {
        "encoding": {
          "default": "utf-8",
          "description": "File encoding",
          "type": "string"
        },
        "limit": {
          "description": "Number of lines to return; by default all, for a model up to 2000",
          "minimum": 0,
          "type": "integer"
        },
        "offset": {
          "default": 1,
          "description": "First line to return, from 1",
          "minimum": 0,
          "type": "integer"
        },
        "path": {
          "description": "File path, relative to the workspace",
          "type": "string"
        }
      },
      "required": [
        "path"
      ],
      "type": "object"
    }
    "#);
}

#[test]
fn the_schema_of_filesystem_write() {
    insta::assert_json_snapshot!(schema("filesystem.write"), @r#"
    {
      "additionalProperties": false,
      "properties": {
        "append": {
          "default": false,
          "description": "Append to file",
          "type": "boolean"
        },
        "content": {
          "description": "File content",
          "type": "string"
        },
        "encoding": {
          "default": "utf-8",
          "description": "File encoding",
          "type": "string"
        },
        "path": {
          "description": "File path, relative to the workspace; missing directories are made",
          "type": "string"
        }
      },
      "required": [
        "path",
        "content"
      ],
      "type": "object"
    }
    "#);
}

#[test]
fn the_schema_of_shell_execute() {
    insta::assert_json_snapshot!(schema("shell.execute"), @r#"
    {
      "additionalProperties": false,
      "properties": {
        "command": {
          "description": "Shell command, run in the workspace without a terminal and without input",
          "type": "string"
        },
        "env": {
          "additionalProperties": {
            "type": "string"
          },
          "description": "Environment variables",
          "type": "object"
        },
        "timeout": {
          "description": "Command timeout in seconds",
          "type": "number"
        }
      },
      "required": [
        "command"
      ],
      "type": "object"
    }
    "#);
}

#[test]
fn the_schema_of_todo_set() {
    insta::assert_json_snapshot!(schema("todo.set"), @r#"
    {
      "additionalProperties": false,
      "properties": {
        "items": {
          "description": "All steps in order, those that are completed too; the list replaces the one before",
          "items": {
            "additionalProperties": false,
            "description": "A step of a task.",
            "properties": {
              "status": {
                "description": "The status of the step",
                "enum": [
                  "pending",
                  "in_progress",
                  "completed"
                ],
                "type": "string"
              },
              "text": {
                "description": "What is to be done",
                "type": "string"
              }
            },
            "required": [
              "text",
              "status"
            ],
            "type": "object"
          },
          "type": "array"
        }
      },
      "required": [
        "items"
      ],
      "type": "object"
    }
    "#);
}
