DROP TABLE recipient_key;
DROP TABLE recipient_page;
DROP TABLE recipient_run;
DROP TABLE recipient_tail;
DROP TABLE recipient_state;
