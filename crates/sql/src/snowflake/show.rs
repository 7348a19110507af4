//! `show` and `describe` as macros use them: questions to `information_schema`.
//!
//! Columns are those of Snowflake's listings that say something here; their names are in lower case, as there.
//!
//! Sources: docs.snowflake.com, "SHOW OBJECTS", "SHOW TABLES", "SHOW VIEWS", "SHOW SCHEMAS", "SHOW COLUMNS",
//! "DESCRIBE TABLE".

use millstream_core::Result;
use sqlparser::ast::{
    Ident, ObjectName, ObjectNamePart, ShowStatementFilter, ShowStatementFilterPosition, ShowStatementIn,
    ShowStatementInParentType, ShowStatementOptions, Statement,
};
use sqlparser::tokenizer::Span;

use super::fold::{as_value, folded};
use super::problem::unsupported;

/// The query (in Snowflake's dialect) that answers a `show` or `describe`; `None` for other statements.
///
/// # Errors
/// A user error for filters that the listing does not have.
pub fn for_show(statement: &Statement) -> Result<Option<String>> {
    Ok(Some(match statement {
        Statement::ShowTables { show_options, .. } => objects(show_options, Some("BASE TABLE"))?,
        Statement::ShowViews { show_options, .. } => objects(show_options, Some("VIEW"))?,
        Statement::ShowObjects(show) => objects(&show.show_options, None)?,
        Statement::ShowSchemas { show_options, .. } => {
            let mut question = Question::new(
                "select schema_name as \"name\", catalog_name as \"database_name\" from information_schema.schemata",
            );
            question.filter(show_options, "schema_name")?;
            question.finish("schema_name", show_options)?
        }
        Statement::ShowColumns { show_options, .. } => {
            let mut question = Question::new(
                "select table_name as \"table_name\", table_schema as \"schema_name\", column_name as \"column_name\", \
                 data_type as \"data_type\", is_nullable as \"null?\", table_catalog as \"database_name\" \
                 from information_schema.columns",
            );
            question.filter(show_options, "column_name")?;
            question.within(show_options.show_in.as_ref(), true)?;
            question.finish("table_schema, table_name, ordinal_position", show_options)?
        }
        Statement::ExplainTable { table_name, .. } => {
            let mut question = Question::new(
                "select column_name as \"name\", data_type as \"type\", 'COLUMN' as \"kind\", \
                 left(is_nullable, 1) as \"null?\" from information_schema.columns",
            );
            question.of_relation(table_name);
            question.ordered("ordinal_position")
        }
        _ => return Ok(None),
    }))
}

fn objects(options: &ShowStatementOptions, kind: Option<&str>) -> Result<String> {
    let mut question = Question::new(
        "select table_name as \"name\", case table_type when 'VIEW' then 'VIEW' else 'TABLE' end as \"kind\", \
         table_catalog as \"database_name\", table_schema as \"schema_name\" from information_schema.tables",
    );
    question.conditions.extend(kind.map(|kind| format!("table_type = '{kind}'")));
    question.filter(options, "table_name")?;
    question.within(options.show_in.as_ref(), false)?;
    question.finish("table_schema, table_name", options)
}

struct Question {
    select: &'static str,
    conditions: Vec<String>,
}

impl Question {
    fn new(select: &'static str) -> Self {
        Self { select, conditions: Vec::new() }
    }

    /// `like` and `starts with`.
    fn filter(&mut self, options: &ShowStatementOptions, column: &str) -> Result<()> {
        let filter = match &options.filter_position {
            None => None,
            Some(ShowStatementFilterPosition::Infix(filter) | ShowStatementFilterPosition::Suffix(filter)) => {
                Some(filter)
            }
        };
        match filter {
            None => {}
            Some(ShowStatementFilter::Like(pattern) | ShowStatementFilter::ILike(pattern)) => {
                self.conditions.push(format!("{column} ilike {}", literal(pattern)));
            }
            Some(_) => return Err(unsupported("this filter of 'show'", Span::empty(), "write like '%pattern%'")),
        }
        if let Some(start) = &options.starts_with {
            self.conditions.push(format!("startswith({column}, {start})"));
        }
        Ok(())
    }

    /// `in schema x`, `in database x`, `in account`, and for columns `in table x`.
    fn within(&mut self, within: Option<&ShowStatementIn>, is_of_columns: bool) -> Result<()> {
        let Some(within) = within else { return Ok(()) };
        let Some(name) = &within.parent_name else { return Ok(()) };
        match within.parent_type {
            Some(ShowStatementInParentType::Account | ShowStatementInParentType::Database) => {}
            Some(ShowStatementInParentType::Table | ShowStatementInParentType::View) => self.of_relation(name),
            Some(ShowStatementInParentType::Schema) => self.of_schema(name),
            None if is_of_columns => self.of_relation(name),
            None => self.of_schema(name),
        }
        Ok(())
    }

    fn of_schema(&mut self, name: &ObjectName) {
        if let Some(schema) = parts(name).last() {
            self.conditions.push(format!("table_schema = {}", literal(&as_value(schema))));
        }
    }

    fn of_relation(&mut self, name: &ObjectName) {
        let parts = parts(name);
        let mut parts = parts.iter().rev();
        if let Some(name) = parts.next() {
            self.conditions.push(format!("table_name = {}", literal(&as_value(name))));
        }
        match parts.next() {
            Some(schema) => self.conditions.push(format!("table_schema = {}", literal(&as_value(schema)))),
            None => self.conditions.push("table_schema = current_schema()".into()),
        }
    }

    fn ordered(self, order: &str) -> String {
        let filter = match self.conditions.is_empty() {
            true => String::new(),
            false => format!(" where {}", self.conditions.join(" and ")),
        };
        format!("{}{filter} order by {order}", self.select)
    }

    fn finish(self, order: &str, options: &ShowStatementOptions) -> Result<String> {
        if let Some(from) = &options.limit_from {
            return Err(unsupported(format!("'limit … from {from}'"), Span::empty(), "leave 'from' out"));
        }
        let limit = options.limit.as_ref().map(|limit| format!(" limit {limit}")).unwrap_or_default();
        Ok(format!("{}{limit}", self.ordered(order)))
    }
}

fn parts(name: &ObjectName) -> Vec<String> {
    name.0.iter().filter_map(ObjectNamePart::as_ident).map(|ident: &Ident| folded(ident)).collect()
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
