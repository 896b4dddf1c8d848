DROP TABLE case_event;
DROP TABLE case_opened;
DROP TABLE agreement_act;
