//! What a refusal shows about a model.

use az_core::ErrorKind;

use super::stated_window;
use crate::chat::ChatRequest;
use crate::client::{Fact, Parameter, SHORTEST_REPLY};
use crate::error::{Error, Refusal};

/// Returns the fact that a refusal shows about the model, if the request can be changed accordingly.
pub(crate) fn fact(error: &Error, request: &ChatRequest) -> Option<Fact> {
    let Error::Refused(refusal) = error.unmetered() else { return None };
    // Some servers report such a request as a failure of their own.
    if !matches!(refusal.status, None | Some(400 | 404 | 422 | 500 | 501)) {
        return None;
    }
    let message = refusal.message.to_lowercase();
    tools(&message, request)
        .or_else(|| vision(&message, request))
        .or_else(|| parameter(&message, request))
        .or_else(|| most_output(refusal, &message, request))
        .or_else(|| stated_window::window(refusal).map(Fact::ContextWindow))
}

/// Whether a refusal says that the server is still loading the model.
pub(crate) fn is_loading(status: u16, message: &str) -> bool {
    status == 503 && message.to_lowercase().contains("loading")
}

/// Phrases that mean that something is not supported, rather than that its value is wrong.
const UNSUPPORTED: &[&str] = &[
    "not support",
    "n't support",
    "unsupported",
    "only supported",
    "unrecognized",
    "unknown name",
    "unknown parameter",
    "unknown field",
    "unknown argument",
    "unexpected keyword",
    "not permitted",
    "not allowed",
    "not available",
    "deprecated",
    "only the default",
    "may only be set",
    "extra_forbidden",
];

fn is_unsupported(message: &str) -> bool {
    UNSUPPORTED.iter().any(|phrase| message.contains(phrase))
}

/// Recognises a model or a server without tool calls: llama.cpp ("tools param requires --jinja
/// flag"), vLLM ("requires --enable-auto-tool-choice"), Ollama ("does not support tools"), OpenRouter
/// ("No endpoints found that support tool use").
fn tools(message: &str, request: &ChatRequest) -> Option<Fact> {
    if request.tools.is_empty() {
        return None;
    }
    let flags = ["--jinja", "--enable-auto-tool-choice", "--tool-call-parser"];
    let names = ["tools", "tool use", "tool call", "tool-call", "function call", "tool_choice"];
    let named = names.iter().any(|name| message.contains(name));
    let none = named && message.contains("no endpoints found");
    let is_missing = flags.iter().any(|flag| message.contains(flag));
    let is_rejected = named && is_unsupported(message) && !is_inside_tools(message);
    (is_missing || none || is_rejected).then_some(Fact::NoTools)
}

/// Whether a message is about a place inside the list of tools, such as `tools[0].function.strict` or
/// `tools.0.custom.input_schema`: then something in one tool is wrong.
fn is_inside_tools(message: &str) -> bool {
    message.match_indices("tools").any(|(place, name)| {
        let rest = message.get(place + name.len()..).unwrap_or_default();
        let index = rest.strip_prefix('.').unwrap_or_default();
        rest.starts_with('[') || index.starts_with(|c: char| c.is_ascii_digit())
    })
}

/// Recognises a model without image input. A message about the format of an image is about this image.
fn vision(message: &str, request: &ChatRequest) -> Option<Fact> {
    request.images().next()?;
    let names = ["image", "vision", "multimodal"];
    let named = names.iter().any(|name| message.contains(name));
    let none = message.contains("no endpoints found");
    let formats = ["format", "formats", "mime", "media type", "media_type"];
    let is_about_format = formats.iter().any(|name| word(message, name).is_some());
    let is_rejected = is_unsupported(message) && !is_about_format;
    (named && (none || is_rejected)).then_some(Fact::NoVision)
}

/// Recognises a parameter that the model does not accept. The name of the first one counts: others
/// may be named as what to use instead.
fn parameter(message: &str, request: &ChatRequest) -> Option<Fact> {
    if !is_unsupported(message) {
        return None;
    }
    let all = [
        (Parameter::Temperature, "temperature", request.temperature.is_some()),
        (Parameter::StreamOptions, "stream_options", true),
        (Parameter::MaxTokens, "max_tokens", true),
        (Parameter::MaxTokens, "max_completion_tokens", true),
        (Parameter::Effort, "reasoning_effort", request.effort.is_some()),
        (Parameter::Stop, "stop", !request.stop.is_empty()),
    ];
    let sent = all.into_iter().filter(|(_, _, is_sent)| *is_sent);
    let named = sent.filter_map(|(parameter, name, _)| Some((word(message, name)?, parameter)));
    named.min_by_key(|(place, _)| *place).map(|(_, parameter)| Fact::Rejects(parameter))
}

/// Returns the place of a name that is not a part of a longer one.
fn word(message: &str, name: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    message.match_indices(name).map(|(place, _)| place).find(|place| {
        let (before, rest) = message.split_at(*place);
        let after = rest.get(name.len()..).unwrap_or_default();
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

/// Recognises a limit of replies: "max_tokens is too large: 32768. This model supports at most 16384
/// completion tokens", "max_tokens: 9000 > 8192, which is the maximum allowed".
fn most_output(refusal: &Refusal, message: &str, request: &ChatRequest) -> Option<Fact> {
    // The number below the limit of the request is then the size of the prompt.
    if refusal.kind == ErrorKind::ContextWindow {
        return None;
    }
    let asked = u64::from(request.max_tokens);
    if !(message.contains("max_tokens") || message.contains("max_completion_tokens")) {
        return None;
    }
    let phrases = ["at most", "too large", "maximum allowed", "less than or equal", "valid range"];
    if !phrases.iter().any(|phrase| message.contains(phrase)) {
        return None;
    }
    // A range may begin with 0 or 1.
    let lower = |most: &u64| (SHORTEST_REPLY.into()..asked).contains(most);
    let mut below: Vec<u64> = stated_window::numbers(message).into_iter().filter(lower).collect();
    below.dedup();
    match below.as_slice() {
        [most] => Some(Fact::MaxOutput(*most)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use az_core::ErrorKind;
    use serde_json::json;

    use super::{fact, is_loading};
    use crate::chat::{ChatRequest, Image, Message, ToolDefinition};
    use crate::client::{Fact, Parameter};
    use crate::error::{Error, Refusal};

    fn shown(status: u16, message: &str) -> Option<Fact> {
        let tool = ToolDefinition::new("t", "", json!({"type": "object"}));
        let request = ChatRequest::prompt("m", "hi").with_tools(vec![tool]).with_max_tokens(32_768);
        let refusal = Refusal::new("p", ErrorKind::BadRequest, message);
        fact(&Error::from(Refusal { status: Some(status), ..refusal }), &request)
    }

    #[test]
    fn servers_and_models_without_tools_are_recognised() {
        for (status, message) in [
            (500, "tools param requires --jinja flag"),
            (400, "registry.ollama.ai/library/gemma:2b does not support tools"),
            (
                400,
                "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to \
                 be set",
            ),
            (404, "No endpoints found that support tool use. To learn more, visit: …"),
            (400, "`tool calling` is not supported with this model"),
            (400, "Function calling is not supported by this model"),
        ] {
            assert_eq!(shown(status, message), Some(Fact::NoTools), "{message}");
        }
        for (status, message) in [
            (400, "tools[0].function.name: invalid"),
            (429, "does not support tools"),
            (401, "does not support tools"),
        ] {
            assert_eq!(shown(status, message), None, "{message}");
        }
    }

    #[test]
    fn a_complaint_about_one_tool_does_not_mean_that_there_are_none() {
        for message in [
            "tools.0.custom.input_schema: Extra inputs are not permitted",
            "Invalid JSON payload received. Unknown name \"x\" at \
             'tools[0].function_declarations[3].parameters': Cannot find field.",
            "Unknown parameter: 'tools[0].function.strict'.",
        ] {
            assert_eq!(shown(400, message), None, "{message}");
        }
    }

    #[test]
    fn a_complaint_about_one_image_does_not_mean_that_there_is_no_vision() {
        let shown = |message: &str| {
            let mut request = ChatRequest::prompt("m", "hi");
            let image = Image::Url("https://h/a.heic".to_owned());
            request.messages = vec![Message::user_with_images("look", vec![image])];
            fact(&Refusal::new("p", ErrorKind::BadRequest, message).into(), &request)
        };
        for message in [
            "image input is not supported by this model",
            "Invalid content type. image_url is only supported by certain models. For more \
             information, see the documentation.",
            "No endpoints found that support image input",
            "this model is not multimodal: images are not supported",
        ] {
            assert_eq!(shown(message), Some(Fact::NoVision), "{message}");
        }
        for message in [
            "You uploaded an unsupported image. Please make sure your image has of one the following \
             formats: ['png', 'jpeg', 'gif', 'webp'].",
            "Unsupported MIME type: image/heic",
            "image.source.media_type: image/heic is not permitted",
            "the image format is not supported",
        ] {
            assert_eq!(shown(message), None, "{message}");
        }
    }

    #[test]
    fn rejected_parameters_are_recognised_by_the_first_name() {
        for (message, parameter) in [
            (
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                 'max_completion_tokens' instead.",
                Parameter::MaxTokens,
            ),
            (
                "Unsupported value: 'temperature' does not support 0.7 with this model. Only the \
                 default (1) value is supported.",
                Parameter::Temperature,
            ),
            ("`temperature` is deprecated for this model.", Parameter::Temperature),
            (
                "`temperature` may only be set to 1 when thinking is enabled.",
                Parameter::Temperature,
            ),
            ("Unrecognized request argument supplied: stream_options", Parameter::StreamOptions),
            ("stream_options: Extra inputs are not permitted", Parameter::StreamOptions),
            ("max_completion_tokens: unknown field", Parameter::MaxTokens),
        ] {
            assert_eq!(shown(400, message), Some(Fact::Rejects(parameter)), "{message}");
        }
        for message in [
            "temperature: range: 0..1",
            "reasoning_effort is not supported",
            "'stop' is not supported with this model",
            "the model is not supported",
        ] {
            assert_eq!(shown(400, message), None, "{message}");
        }
    }

    #[test]
    fn a_stated_limit_of_replies_is_recognised() {
        for (message, most) in [
            (
                "max_tokens is too large: 32768. This model supports at most 16384 completion \
                 tokens, whereas you provided 32768.",
                Some(16_384),
            ),
            ("max_tokens is too large: 32768; at most 16384 are supported", Some(16_384)),
            ("max_tokens: 32768 > 8192, which is the maximum allowed number", Some(8_192)),
            ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", Some(8_192)),
            ("max_tokens: must be a number", None),
        ] {
            assert_eq!(shown(400, message), most.map(Fact::MaxOutput), "{message}");
        }
    }

    /// The message is that of vLLM; the size of the prompt is the only number below the limit.
    #[test]
    fn a_refusal_of_a_full_window_states_no_limit_of_replies() {
        let message = "'max_tokens' or 'max_completion_tokens' is too large: 11000. This model's \
                       maximum context length is 16384 tokens and your request has 5655 input tokens \
                       (11000 > 16384 - 5655).";
        let request = ChatRequest::prompt("m", "hi").with_max_tokens(11_000);
        let refusal = Refusal::new("p", ErrorKind::ContextWindow, message);
        assert_eq!(fact(&refusal.into(), &request), Some(Fact::ContextWindow(16_384)));
    }

    #[test]
    fn a_server_that_loads_its_model_is_recognised() {
        assert!(is_loading(503, "Loading model"));
        assert!(!is_loading(503, "server busy"));
        assert!(!is_loading(500, "Loading model"));
    }
}
