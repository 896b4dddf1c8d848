DROP TABLE officer_token;
