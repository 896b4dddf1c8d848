DROP TABLE record_type_event;
DROP TABLE record_type;
