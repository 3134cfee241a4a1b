//! Reads which paths a source file names, made absolute.
//!
//! Everything that can name another module counts: `use` trees, paths in types and
//! expressions, the tokens inside macros, and attributes that hold a path as text. Names
//! brought in by `use` are followed, so that `use std::time;` and `time::Instant::now()`
//! are seen as `std::time::Instant::now`.

use std::collections::{HashMap, HashSet};

use proc_macro2::{Ident, TokenStream};
use syn::{
    Attribute, Expr, ExprAsync, ExprAwait, ExprClosure, ItemExternCrate, ItemFn, ItemMod, ItemUse,
    Lit, Macro, Meta, Path, Signature, UseTree,
    visit::{self, Visit},
};

use crate::tokens;

/// A path that a file names, from the root: `crate::store::sink`, `std::time::Instant`.
///
/// A macro's last segment ends in `!`, a glob's is `*`. What has no path has a word of
/// its own: `async`, `await`, `#[path]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub path: Vec<String>,
    pub line: usize,
    /// Only tests are compiled with it.
    pub in_test: bool,
}

/// What one file says.
#[derive(Debug, Default)]
pub struct Source {
    pub references: Vec<Reference>,
    /// The child modules that only tests are compiled with.
    pub test_modules: Vec<Vec<String>>,
}

/// Reads the text of the file that holds `module` (`["domain", "ladder"]`).
pub fn read(module: &[String], text: &str, in_test: bool) -> syn::Result<Source> {
    let file = syn::parse_file(text)?;
    let mut collector = Collector {
        module: module.to_vec(),
        in_test,
        ..Collector::default()
    };
    collector.visit_file(&file);
    let references = collector
        .found
        .iter()
        .flat_map(|found| {
            let paths = collector.resolve(&found.module, &found.path, 0);
            paths.into_iter().map(|path| Reference {
                path,
                line: found.line,
                in_test: found.in_test,
            })
        })
        .collect();
    Ok(Source {
        references,
        test_modules: collector.test_modules,
    })
}

/// A path as it is written, and the module that it is written in.
#[derive(Debug)]
struct Found {
    module: Vec<String>,
    path: Vec<String>,
    line: usize,
    in_test: bool,
}

#[derive(Debug, Default)]
struct Collector {
    module: Vec<String>,
    in_test: bool,
    in_attribute: bool,
    found: Vec<Found>,
    /// What `use` calls by a name, by module. A name may stand for several things.
    names: HashMap<(Vec<String>, String), Vec<Vec<String>>>,
    children: HashSet<(Vec<String>, String)>,
    test_modules: Vec<Vec<String>>,
}

/// Names may lead to names; more than this is a circle.
const MAX_DEPTH: usize = 8;

impl Collector {
    fn note(&mut self, path: Vec<String>, line: usize) {
        self.found.push(Found {
            module: self.module.clone(),
            path,
            line,
            in_test: self.in_test,
        });
    }

    fn note_word(&mut self, word: &str, line: usize) {
        // The leading colons keep it from being taken for a name of this file.
        self.note(vec!["::".into(), word.into()], line);
    }

    fn note_use(&mut self, tree: &UseTree, prefix: &[String]) {
        let join = |ident: &Ident| {
            let mut path = prefix.to_vec();
            path.push(tokens::name(ident));
            path
        };
        match tree {
            UseTree::Path(path) => self.note_use(&path.tree, &join(&path.ident)),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.note_use(tree, prefix);
                }
            }
            UseTree::Glob(glob) => {
                let mut path = prefix.to_vec();
                path.push("*".into());
                self.note(path, glob.star_token.spans[0].start().line);
            }
            UseTree::Name(name) if name.ident == "self" => {
                let called = prefix.last().cloned().unwrap_or_default();
                self.note_name(called, prefix.to_vec(), &name.ident);
            }
            UseTree::Name(name) => {
                self.note_name(tokens::name(&name.ident), join(&name.ident), &name.ident);
            }
            UseTree::Rename(rename) => {
                let path = if rename.ident == "self" {
                    prefix.to_vec()
                } else {
                    join(&rename.ident)
                };
                self.note_name(tokens::name(&rename.rename), path, &rename.ident);
            }
        }
    }

    fn note_name(&mut self, called: String, path: Vec<String>, at: &Ident) {
        let key = (self.module.clone(), called);
        self.names.entry(key).or_default().push(path.clone());
        self.note(path, at.span().start().line);
    }

    /// Every absolute path that `path`, written in `module`, may stand for.
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Vec<Vec<String>> {
        let Some((first, rest)) = path.split_first() else {
            return Vec::new();
        };
        let from_root = |module: &[String], rest: &[String]| {
            let mut path = vec!["crate".to_owned()];
            path.extend_from_slice(module);
            path.extend_from_slice(rest);
            vec![path]
        };
        match first.as_str() {
            "::" => return vec![of_std(rest)],
            "crate" => return from_root(&[], rest),
            "self" | "super" => {
                let mut module = module;
                let mut rest = path;
                while let Some((word, after)) = rest.split_first() {
                    match word.as_str() {
                        "self" => {}
                        "super" => module = module.split_last().map_or(&[], |(_, above)| above),
                        _ => break,
                    }
                    rest = after;
                }
                return from_root(module, rest);
            }
            _ => {}
        }
        if depth < MAX_DEPTH
            && let Some(targets) = self.named(module, first)
        {
            return targets
                .iter()
                .flat_map(|target| {
                    let mut path = target.clone();
                    path.extend_from_slice(rest);
                    if target.first() == Some(first) {
                        // `use time::Duration as time`: the outer name is meant.
                        vec![of_std(&path)]
                    } else {
                        self.resolve(module, &path, depth + 1)
                    }
                })
                .collect();
        }
        if self.children.contains(&(module.to_vec(), first.clone())) {
            return from_root(module, path);
        }
        vec![of_std(path)]
    }
}

impl Collector {
    /// What `name` stands for in `module`, or in a module around it: `use super::*` brings
    /// that in.
    fn named(&self, module: &[String], name: &str) -> Option<&Vec<Vec<String>>> {
        (0..=module.len()).rev().find_map(|length| {
            self.names
                .get(&(module[..length].to_vec(), name.to_owned()))
        })
    }
}

/// `core` and `alloc` are parts of `std`.
fn of_std(path: &[String]) -> Vec<String> {
    let mut path = path.to_vec();
    if let Some(first) = path.first_mut()
        && (first == "core" || first == "alloc")
    {
        *first = "std".into();
    }
    path
}

fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string().replace(' ', "");
            condition == "test" || condition.starts_with("all(test,")
        }
        _ => false,
    })
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let name = tokens::name(&item.ident);
        self.children.insert((self.module.clone(), name.clone()));
        let outer_in_test = self.in_test;
        self.in_test |= is_test_only(&item.attrs);
        for attribute in &item.attrs {
            self.visit_attribute(attribute);
        }
        self.module.push(name);
        match &item.content {
            Some((_, items)) => items.iter().for_each(|item| self.visit_item(item)),
            None if self.in_test => self.test_modules.push(self.module.clone()),
            None => {}
        }
        self.module.pop();
        self.in_test = outer_in_test;
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        let outer_in_test = self.in_test;
        self.in_test |= is_test_only(&item.attrs);
        visit::visit_item_fn(self, item);
        self.in_test = outer_in_test;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let outer_in_test = self.in_test;
        self.in_test |= is_test_only(&item.attrs);
        let root = if item.leading_colon.is_some() {
            vec!["::".to_owned()]
        } else {
            Vec::new()
        };
        self.note_use(&item.tree, &root);
        self.in_test = outer_in_test;
    }

    fn visit_item_extern_crate(&mut self, item: &'ast ItemExternCrate) {
        let called = item.rename.as_ref().map_or(&item.ident, |(_, name)| name);
        let path = vec!["::".to_owned(), tokens::name(&item.ident)];
        self.note_name(tokens::name(called), path, &item.ident);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.segments.len() > 1 || path.leading_colon.is_some() {
            self.note(tokens::segments(path), line_of(path));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        let mut path = tokens::segments(&call.path);
        if let Some(last) = path.last_mut() {
            last.push('!');
        }
        self.note(path, line_of(&call.path));
        self.visit_token_stream(&call.tokens);
    }

    fn visit_token_stream(&mut self, stream: &'ast TokenStream) {
        for found in tokens::paths(stream) {
            match found {
                tokens::Found::Path { path, line } => self.note(path, line),
                tokens::Found::Word { word, line } => self.note_word(word, line),
                tokens::Found::Use(item) => {
                    let root = item.leading_colon.map_or(vec![], |_| vec!["::".to_owned()]);
                    self.note_use(&item.tree, &root);
                }
                // Only an attribute means a path when it says one as text.
                tokens::Found::Text { path, line } if self.in_attribute => self.note(path, line),
                tokens::Found::Text { .. } => {}
            }
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            return;
        }
        if attribute.path().is_ident("path") {
            self.note_word("#[path]", line_of(attribute.path()));
        }
        self.in_attribute = true;
        if let Meta::NameValue(pair) = &attribute.meta
            && let Expr::Lit(literal) = &pair.value
            && let Lit::Str(text) = &literal.lit
            && let Some(path) = tokens::path_in_text(&text.value())
        {
            self.note(path, text.span().start().line);
        }
        visit::visit_attribute(self, attribute);
        self.in_attribute = false;
    }

    fn visit_signature(&mut self, signature: &'ast Signature) {
        if let Some(word) = &signature.asyncness {
            self.note_word("async", word.span.start().line);
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, block: &'ast ExprAsync) {
        self.note_word("async", block.async_token.span.start().line);
        visit::visit_expr_async(self, block);
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        if let Some(word) = &closure.asyncness {
            self.note_word("async", word.span.start().line);
        }
        visit::visit_expr_closure(self, closure);
    }

    fn visit_expr_await(&mut self, expression: &'ast ExprAwait) {
        self.note_word("await", expression.await_token.span.start().line);
        visit::visit_expr_await(self, expression);
    }
}

fn line_of(path: &Path) -> usize {
    path.segments
        .first()
        .map_or(0, |segment| segment.ident.span().start().line)
}
