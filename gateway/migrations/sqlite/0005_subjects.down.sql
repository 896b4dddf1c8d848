DROP TABLE budget_subject;
