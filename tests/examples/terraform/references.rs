//! What the expressions of a file refer to.

use hcl::{
    Body, Expression, Structure,
    expr::{ForExpr, FuncCall, ObjectKey, Traversal, TraversalOperator},
    template::{Element, Template},
};

/// `aws_instance.balancer["1"].id`, as far as names go.
#[derive(Debug)]
pub(super) struct Reference(Vec<String>);

impl Reference {
    /// What must be declared for it.
    pub(super) fn target(&self) -> String {
        let words = if self.0[0] == "data" { 3 } else { 2 };
        let words: Vec<&str> = self.0.iter().take(words).map(String::as_str).collect();
        words.join(".")
    }

    /// What Terraform itself declares; a single word is an attribute's own name, or that of a loop.
    pub(super) fn is_built_in(&self) -> bool {
        self.0.len() == 1 || ["each", "path"].contains(&self.0[0].as_str())
    }
}

/// All references of a block and the blocks in it.
pub(super) fn of_body(body: &Body) -> Vec<Reference> {
    let mut found = Found::default();
    found.body(body);
    found.references
}

/// All calls of functions.
pub(super) fn calls(body: &Body) -> Vec<FuncCall> {
    let mut found = Found::default();
    found.body(body);
    found.calls
}

#[derive(Default)]
struct Found {
    references: Vec<Reference>,
    calls: Vec<FuncCall>,
}

impl Found {
    fn body(&mut self, body: &Body) {
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => self.expression(&attribute.expr),
                Structure::Block(block) => self.body(&block.body),
            }
        }
    }

    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::Array(items) => items.iter().for_each(|it| self.expression(it)),
            Expression::Object(object) => {
                for (key, value) in object {
                    if let ObjectKey::Expression(key) = key {
                        self.expression(key);
                    }
                    self.expression(value);
                }
            }
            Expression::TemplateExpr(template) => {
                self.template(&Template::from_expr(template).expect("a template"));
            }
            Expression::Variable(name) => self.references.push(Reference(vec![name.to_string()])),
            Expression::Traversal(traversal) => self.traversal(traversal),
            Expression::FuncCall(call) => {
                call.args.iter().for_each(|it| self.expression(it));
                self.calls.push((**call).clone());
            }
            Expression::Parenthesis(inner) => self.expression(inner),
            Expression::Conditional(it) => {
                for part in [&it.cond_expr, &it.true_expr, &it.false_expr] {
                    self.expression(part);
                }
            }
            Expression::ForExpr(it) => self.repetition(it),
            Expression::Null
            | Expression::Bool(_)
            | Expression::Number(_)
            | Expression::String(_) => {}
            // An operation would hide what it refers to: these files have none.
            other => panic!("not looked into: {other}"),
        }
    }

    /// Its own names are declared by itself.
    fn repetition(&mut self, it: &ForExpr) {
        let before = self.references.len();
        self.expression(&it.collection_expr);
        self.expression(&it.value_expr);
        let optional = [it.key_expr.as_ref(), it.cond_expr.as_ref()];
        for part in optional.into_iter().flatten() {
            self.expression(part);
        }
        let own = |name: &str| {
            let key = it.key_var.as_ref().map(|it| it.as_str());
            key == Some(name) || it.value_var.as_str() == name
        };
        let inner = self.references.split_off(before);
        self.references
            .extend(inner.into_iter().filter(|it| !own(&it.0[0])));
    }

    fn template(&mut self, template: &Template) {
        for element in template.elements() {
            match element {
                Element::Literal(_) => {}
                Element::Interpolation(it) => self.expression(&it.expr),
                Element::Directive(_) => panic!("not looked into: a directive"),
            }
        }
    }

    fn traversal(&mut self, traversal: &Traversal) {
        let Expression::Variable(first) = &traversal.expr else {
            panic!("not looked into: {}", traversal.expr);
        };
        let mut words = vec![first.to_string()];
        for operator in &traversal.operators {
            match operator {
                TraversalOperator::GetAttr(name) => words.push(name.to_string()),
                TraversalOperator::Index(index) => self.expression(index),
                _ => {}
            }
        }
        self.references.push(Reference(words));
    }
}
