//! Finds paths among the tokens of a macro or an attribute, where there is no syntax tree.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};
use syn::{ItemUse, Path, ext::IdentExt};

/// What a run of tokens names.
pub enum Found {
    /// A path with at least two segments, or a macro's name with its `!`.
    Path { path: Vec<String>, line: usize },
    /// `async` or `await`.
    Word { word: &'static str, line: usize },
    /// A string that reads like a path.
    Text { path: Vec<String>, line: usize },
    /// A whole `use` item.
    Use(Box<ItemUse>),
}

/// An identifier without `r#`.
pub fn name(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// A path's segments, with a first one of `::` where it starts with colons.
pub fn segments(path: &Path) -> Vec<String> {
    let root = path.leading_colon.map(|_| "::".to_owned());
    let names = path.segments.iter().map(|segment| name(&segment.ident));
    root.into_iter().chain(names).collect()
}

/// The path that a text such as `crate::store::hex` names.
pub fn path_in_text(text: &str) -> Option<Vec<String>> {
    let path = text
        .contains("::")
        .then(|| syn::parse_str::<Path>(text).ok())??;
    Some(segments(&path))
}

/// What `stream` names, at any depth.
pub fn paths(stream: &TokenStream) -> Vec<Found> {
    let mut found = Vec::new();
    walk(stream, &[], &mut found);
    found
}

/// `prefix` stands before every path when the tokens are the braces of `a::b::{…}`.
fn walk(stream: &TokenStream, prefix: &[String], found: &mut Vec<Found>) {
    let trees: Vec<TokenTree> = stream.clone().into_iter().collect();
    let mut at = 0;
    while at < trees.len() {
        at = match &trees[at] {
            TokenTree::Group(group) => {
                walk(&group.stream(), &[], found);
                at + 1
            }
            TokenTree::Ident(ident) => from_ident(ident, &trees, at, prefix, found),
            TokenTree::Literal(literal) => {
                let text = syn::parse_str::<syn::LitStr>(&literal.to_string());
                if let Some(path) = text.ok().and_then(|text| path_in_text(&text.value())) {
                    let line = literal.span().start().line;
                    found.push(Found::Text { path, line });
                }
                at + 1
            }
            TokenTree::Punct(_) => at + 1,
        };
    }
}

/// Takes what starts with the identifier at `at`; returns where to go on.
fn from_ident(
    ident: &Ident,
    trees: &[TokenTree],
    at: usize,
    prefix: &[String],
    found: &mut Vec<Found>,
) -> usize {
    let line = ident.span().start().line;
    let after_dot = at > 0 && is_punct(&trees[at - 1], '.');
    match ident.to_string().as_str() {
        "async" => found.push(Found::Word {
            word: "async",
            line,
        }),
        "await" if after_dot => found.push(Found::Word {
            word: "await",
            line,
        }),
        "use" => {
            if let Some((item, length)) = use_item(&trees[at..]) {
                found.push(Found::Use(Box::new(item)));
                return at + length;
            }
        }
        _ => {}
    }
    let mut path = prefix.to_vec();
    // `<T as Trait>::name` starts with colons too, and names nothing by them.
    let from_root = at >= 2 && is_colons(trees, at - 2) && (at < 3 || starts_path(&trees[at - 3]));
    if from_root && prefix.is_empty() {
        path.push("::".into());
    }
    let is_self = ident == "self" && !prefix.is_empty();
    if !is_self {
        path.push(name(ident));
    }
    let mut next = at + 1;
    while is_colons(trees, next) {
        match trees.get(next + 2) {
            Some(TokenTree::Ident(ident)) => {
                path.push(name(ident));
                next += 3;
            }
            Some(TokenTree::Punct(star)) if star.as_char() == '*' => {
                path.push("*".into());
                next += 3;
                break;
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                walk(&group.stream(), &path, found);
                return next + 3;
            }
            _ => break,
        }
    }
    let is_macro = trees.get(next).is_some_and(|tree| is_punct(tree, '!'))
        && matches!(trees.get(next + 1), Some(TokenTree::Group(_)));
    if let (true, Some(last)) = (is_macro, path.last_mut()) {
        last.push('!');
    }
    if path.len() > 1 || is_macro {
        found.push(Found::Path { path, line });
    }
    next
}

/// The `use` item that `trees` start with, and how many tokens it takes.
fn use_item(trees: &[TokenTree]) -> Option<(ItemUse, usize)> {
    let length = 1 + trees.iter().position(|tree| is_punct(tree, ';'))?;
    let stream: TokenStream = trees[..length].iter().cloned().collect();
    syn::parse2(stream).ok().map(|item| (item, length))
}

fn is_punct(tree: &TokenTree, character: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn is_colons(trees: &[TokenTree], at: usize) -> bool {
    matches!(
        (trees.get(at), trees.get(at + 1)),
        (Some(TokenTree::Punct(first)), Some(TokenTree::Punct(second)))
            if first.as_char() == ':'
                && first.spacing() == Spacing::Joint
                && second.as_char() == ':'
    )
}

/// Whether colons after `before` start a path instead of going on with one.
fn starts_path(before: &TokenTree) -> bool {
    match before {
        TokenTree::Punct(punct) => punct.as_char() != '>',
        TokenTree::Ident(_) | TokenTree::Group(_) | TokenTree::Literal(_) => false,
    }
}
