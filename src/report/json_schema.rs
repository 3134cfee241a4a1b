//! As much of JSON Schema as our schemas use: `type`, `enum`, `const`, `minimum`,
//! `properties` with `required` and `additionalProperties`, `items`, `oneOf`, and `$ref` to
//! what stands under `$defs`.

use serde_json::Value;

/// How `value` violates `schema`: a sentence each, with the place.
pub fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "$", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let keywords = schema.as_object().expect("a schema is an object");
    for (keyword, wanted) in keywords {
        let is_kept = match keyword.as_str() {
            "$schema"
            | "$id"
            | "$defs"
            | "title"
            | "description"
            | "required"
            | "additionalProperties" => true,
            "$ref" => {
                let pointer = wanted.as_str().expect("a name").trim_start_matches('#');
                let schema = root.pointer(pointer).expect("what is named");
                check(root, schema, value, place, found);
                true
            }
            "oneOf" => {
                one_of(root, wanted, value, place, found);
                true
            }
            "type" => match wanted {
                Value::Array(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
                kind => is_of(kind, value),
            },
            "enum" => wanted.as_array().expect("a list").contains(value),
            "const" => wanted == value,
            "minimum" => value
                .as_i64()
                .is_none_or(|number| number >= wanted.as_i64().expect("a number")),
            "properties" => {
                members(root, schema, value, place, found);
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, wanted, item, &format!("{place}[{index}]"), found);
                }
                true
            }
            other => panic!("the keyword {other} is not understood"),
        };
        if !is_kept {
            found.push(format!("{place}: {value} is not of {keyword} {wanted}"));
        }
    }
}

/// Of several that are all violated, the one that is violated least says the most.
fn one_of(root: &Value, schemas: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let mut each: Vec<Vec<String>> = Vec::new();
    for schema in schemas.as_array().expect("a list") {
        let mut of_this = Vec::new();
        check(root, schema, value, place, &mut of_this);
        each.push(of_this);
    }
    match each.iter().filter(|of_this| of_this.is_empty()).count() {
        0 => found.extend(each.into_iter().min_by_key(Vec::len).unwrap_or_default()),
        1 => {}
        many => found.push(format!("{place}: {many} of oneOf hold")),
    }
}

fn members(root: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let Some(members) = value.as_object() else {
        return;
    };
    for key in schema["required"].as_array().into_iter().flatten() {
        let key = key.as_str().expect("a name");
        if !members.contains_key(key) {
            found.push(format!("{place}: {key} is missing"));
        }
    }
    for (key, member) in members {
        match schema["properties"].get(key) {
            Some(schema) => check(root, schema, member, &format!("{place}.{key}"), found),
            None if schema["additionalProperties"] == false => {
                found.push(format!("{place}: {key} is not described"));
            }
            None => {}
        }
    }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().expect("a type has a name") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other} is not understood"),
    }
}
