//! A page as a browser reads it.

use html5ever::tendril::TendrilSink as _;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// An element: its name, attributes, and the text right in it.
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|each| each.0 == name)
            .map(|each| each.1.as_str())
    }
}

/// All elements in their order, and what a strict parser found wrong.
pub(crate) struct Page {
    pub(crate) elements: Vec<Element>,
    pub(crate) errors: Vec<String>,
}

impl Page {
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements.iter().filter(move |each| each.name == name)
    }
}

pub(crate) fn parse(text: &str) -> Page {
    let dom = parse_document(RcDom::default(), ParseOpts::default()).one(text);
    let mut page = Page {
        elements: Vec::new(),
        errors: dom
            .errors
            .borrow()
            .iter()
            .map(ToString::to_string)
            .collect(),
    };
    walk(&dom.document, &mut page.elements);
    page
}

fn walk(node: &Handle, elements: &mut Vec<Element>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let text = node.children.borrow().iter().map(text_of).collect();
        let attributes = attrs
            .borrow()
            .iter()
            .map(|each| (each.name.local.to_string(), each.value.to_string()))
            .collect();
        elements.push(Element {
            name: name.local.to_string(),
            attributes,
            text,
        });
    }
    for child in node.children.borrow().iter() {
        walk(child, elements);
    }
}

fn text_of(node: &Handle) -> String {
    match &node.data {
        NodeData::Text { contents } => contents.borrow().to_string(),
        _ => String::new(),
    }
}
